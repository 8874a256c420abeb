"""Configuration from the environment: every variable is declared, documented and read here."""
