"""Internals of the official SDK that other packages import all the same."""

from oxitel.duplicate_filter import DuplicateFilter as DuplicateFilter
from oxitel.export.batch import BatchProcessor as BatchProcessor
