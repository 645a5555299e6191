"""What the commands ``ratelimit-ddb`` and ``ddb-sessions`` share: options, failures, checks."""
