"""A session's values: as JSON, encrypted if asked for, and compared to find what changed."""
