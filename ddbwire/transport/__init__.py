"""What sends the requests of a call: this package's own HTTP, or botocore."""
