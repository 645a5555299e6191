"""How long connections are kept open, idle and in all."""

IDLE_NS = 20 * 1_000_000_000
"""How long a connection may be idle: well below the limits of endpoints and the hops to them."""
AGE_NS = 300 * 1_000_000_000
"""How old a connection may become, so that a change of the endpoint's addresses is followed."""
