"""The demo in the terminal: what clients of the site ask for and get, over HTTP."""
