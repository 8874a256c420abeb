"""Official path; what exporters have in common is in oxitel.export."""
