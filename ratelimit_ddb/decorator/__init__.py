"""Limits on functions: the decorator, the functions' names, and what their calls return."""
