"""One call: an attempt, and the retries that follow a failed one. Does no I/O."""
