"""Hot keys: one write in flight, leases, and the pace of the writes to one key."""
