"""Credentials, Signature Version 4, and the bytes of signed requests."""
