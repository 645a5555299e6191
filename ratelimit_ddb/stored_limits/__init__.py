"""Limits by name in the table, which change while processes run."""
