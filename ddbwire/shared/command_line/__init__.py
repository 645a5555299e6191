"""Shared by the commands ``ratelimit-ddb`` and ``ddb-sessions``: options, failures, checks."""
