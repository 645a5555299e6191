"""Limit calls of functions: who calls too often gets an exception that says when to come back."""

from __future__ import annotations

import asyncio

from ratelimit_ddb import MemoryStore, RateLimited, rate_limited

store = MemoryStore()


@rate_limited("2/minute", key=lambda user: user, store=store)
def send_code(user: str) -> str:
    return f"a code went to {user}"


def letters(text: str) -> int:
    """What a call of translate costs."""
    return len(text)


@rate_limited("60/minute", key=lambda user: user, cost=letters, store=store)
async def translate(user: str, text: str) -> str:
    return f"{text.upper()}, {user.upper()}"


def main() -> None:
    print(send_code("ada"))
    print(send_code("ada"))
    try:
        send_code("ada")
    except RateLimited as denied:
        print(f"ada must wait {denied.retry_after:.0f} s")
    print(send_code("grace"))

    print(asyncio.run(translate("ada", "each letter costs a token")))
    try:
        asyncio.run(translate("ada", "and this is longer than what is left"))
    except RateLimited as denied:
        print(f"only {denied.decision.remaining} tokens are left")


if __name__ == "__main__":
    main()
