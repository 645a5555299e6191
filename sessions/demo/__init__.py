"""What ``python -m sessions.demo`` shows: a site one logs in to, two browsers, a screen."""
