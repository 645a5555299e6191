"""Connections to an endpoint: name resolution, TCP, TLS, HTTP responses."""
