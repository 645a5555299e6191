"""Connections for blocking callers, pooled and shared by threads."""
