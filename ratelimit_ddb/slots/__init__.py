"""Slots of concurrency limits: at most so many holders at once, over all processes."""
