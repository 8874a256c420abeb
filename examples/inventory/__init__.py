"""The inventory service: knows what is on which shelf."""
