"""The contenders: one module each, run by bench.worker in an environment with its packages.

A module here has a function ``create(target) -> Contender``. It imports nothing of this project but
bench.worker.contender, for the other environments have nothing of it.
"""
