"""The operations of a store, the protocol that it follows, and the drivers."""
