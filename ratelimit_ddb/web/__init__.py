"""What ASGI and WSGI share: a request as key functions see it, a denial as clients do."""
