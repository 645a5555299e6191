"""A demo of both packages: a story in the terminal, or a site to click at (``make demo``)."""
