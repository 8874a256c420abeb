"""Oxitel."""
