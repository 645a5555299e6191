"""The worker process of a contender. Standard library only: it runs in peers' environments."""
