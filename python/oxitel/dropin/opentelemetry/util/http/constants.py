"""What the native detection of synthetic user agents looks for."""

TEST_PATTERNS = ["alwayson"]
BOT_PATTERNS = ["googlebot", "bingbot"]
