"""Whatever comes from outside raises nothing but what is documented, and takes a linear time."""
