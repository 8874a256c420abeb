"""What the instrumentations of message queues share: headers, attributes, sending, receiving."""
