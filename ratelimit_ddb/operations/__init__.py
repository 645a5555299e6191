"""The operations of a store, its protocol, and the drivers of flows and of steps."""
