"""What happens to a session's row: loaded, committed, ended; a user's sessions listed and revoked.

Each is a generator (``Flow``) that yields operations and does no I/O.
"""
