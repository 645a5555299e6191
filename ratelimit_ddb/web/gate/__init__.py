"""The gate: decides on a request by all its rules, and remembers what was decided."""
