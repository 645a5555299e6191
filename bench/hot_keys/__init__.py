"""One hot key: what many processes admit of it, and what they ask of its partition for that.

An item is on one partition of DynamoDB's, which takes 1,000 writes a second. ``simulation`` lets
the limiter's own flows meet such a partition in simulated time, for any number of processes.
"""
