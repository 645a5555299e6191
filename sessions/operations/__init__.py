"""What a store does for sessions: rows, the operations on them, and the drivers that send them."""
