"""Instrumentations of other libraries."""
