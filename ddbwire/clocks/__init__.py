"""The time of the table, and the time of this process."""
