"""A script that takes one order."""

import orders

orders.take()
