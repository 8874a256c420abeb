"""The order service: takes orders and asks the inventory for the goods."""
