"""Whose bucket a request draws on."""
