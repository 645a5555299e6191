"""The error for a missing package that only a part of this library needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def optional_package(part: str, install: str) -> Iterator[None]:
    """Add to the error of a failing import in the block how to install the package.

    Args:
        part: the module or option that needs the package.
        install: the argument for ``pip install``, such as ``ratelimit-ddb[encryption]``.

    Raises:
        ModuleNotFoundError: the package is not installed; with its name.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f'{part} needs the package {missing.name}: pip install "{install}"', name=missing.name
        ) from missing
