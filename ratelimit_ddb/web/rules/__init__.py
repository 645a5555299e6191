"""Rules: which requests have which limits, and what they decided on one."""
