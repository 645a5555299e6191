"""The session's cookie: the header fields that carry it, and the token that is its value."""
