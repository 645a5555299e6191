"""The bucket: what moves its number, what the number means, what was observed of it."""
