"""``@rate_limited`` on functions: what it decorates keeps its signature; see README.md."""

from __future__ import annotations

from typing import assert_type

from ratelimit_ddb import MemoryStore, rate_limited

store = MemoryStore()


@rate_limited("5/minute", store=store, key=lambda user: user)
def send_code(user: str, *, digits: int = 6) -> int:
    return digits


@rate_limited("5/minute", store=store, cost=lambda text: 1 + len(text))
async def translate(text: str) -> bytes:
    return text.encode()


class Service:
    @rate_limited("5/minute", store=store, key=lambda user: user)
    def charge(self, user: str) -> float:
        return 1.0

    @classmethod
    @rate_limited("5/minute", store=store)
    def build(cls, name: str) -> Service:
        return cls()

    @rate_limited("5/minute", store=store)
    async def fetch(self, user: str) -> list[str]:
        return [user]


assert_type(send_code("ada", digits=8), int)
assert_type(Service().charge("ada"), float)
assert_type(Service.build("ada"), Service)


async def awaited() -> None:
    assert_type(await translate("ada"), bytes)
    assert_type(await Service().fetch("ada"), list[str])


# What is wrong is told while it is written.
send_code(5)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
send_code("ada", 8)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
Service().charge()  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
rate_limited("5/minute")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
