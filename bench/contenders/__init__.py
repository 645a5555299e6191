"""Whoever takes part: one module each, run by worker.py in an environment that has what it needs.

A module here has a function ``begin(place) -> Contender``. It imports nothing of this project but
bench.place, for the other environments have nothing of it.
"""
