"""The two ways to call a store: blocking, and awaited by the name that ends in ``_async``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import pytest


class Flavour(Protocol):
    """One of the two ways."""

    def __call__(self, store: Any, method: str, *args: Any, **options: Any) -> Any:
        """Call a method of the store, and close it."""

    def within(self, store: Any, do: Callable[[], Any]) -> Any:
        """Do something in a ``with`` block of the store."""


class Blocking:
    def __call__(self, store: Any, method: str, *args: Any, **options: Any) -> Any:
        with store:
            return getattr(store, method)(*args, **options)

    def within(self, store: Any, do: Callable[[], Any]) -> Any:
        with store as entered:
            assert entered is store
            return do()


class Awaited:
    def __call__(self, store: Any, method: str, *args: Any, **options: Any) -> Any:
        async def call() -> Any:
            async with store:
                return await getattr(store, f"{method}_async")(*args, **options)

        return asyncio.run(call())

    def within(self, store: Any, do: Callable[[], Any]) -> Any:
        async def call() -> Any:
            async with store as entered:
                assert entered is store
                return do()

        return asyncio.run(call())


FLAVOURS = pytest.mark.parametrize("flavour", [Blocking(), Awaited()], ids=["blocking", "asyncio"])
