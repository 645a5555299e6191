"""What is said where a package is missing that only a part of this library needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def optional_package(part: str, install: str) -> Iterator[None]:
    """Say how to install what an import in the block does not find.

    Args:
        part: what needs it, as users name it: a module, or an option.
        install: what ``pip install`` is to be given, such as ``ratelimit-ddb[encryption]``.

    Raises:
        ModuleNotFoundError: it is not installed; with the name of the module.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f'{part} needs the package {missing.name}: pip install "{install}"', name=missing.name
        ) from missing
