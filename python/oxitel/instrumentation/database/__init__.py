"""What the instrumentations of databases share."""
