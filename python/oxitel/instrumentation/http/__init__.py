"""What the instrumentations of HTTP share: which requests, which headers, what is redacted."""
