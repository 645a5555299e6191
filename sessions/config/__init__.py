"""How an application's sessions are configured: the options, their defaults, and their checks."""
