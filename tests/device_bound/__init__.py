"""Device-bound sessions, with a browser that follows the draft and has its keys in software."""
