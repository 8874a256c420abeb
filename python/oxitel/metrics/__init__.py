"""Instruments, what becomes of their measurements, and how metrics leave the process."""
