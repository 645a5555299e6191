"""The contenders: one module each, run by worker.py in an environment with its packages.

A module here has a function ``create(target) -> Contender``. It imports nothing of this project but
bench.contender, for the other environments have nothing of it.
"""
