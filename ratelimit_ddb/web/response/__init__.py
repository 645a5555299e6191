"""What a client is sent: header fields, and the answer to a denied request."""
