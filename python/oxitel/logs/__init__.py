"""Log records, their way out, and the handlers of `logging` that make them."""
