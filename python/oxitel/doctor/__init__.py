"""What `oxitel doctor` looks at, and how it tells it."""
