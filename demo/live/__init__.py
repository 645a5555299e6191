"""What the open pages are told while it happens: decisions, buckets, ended sessions."""
