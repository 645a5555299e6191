"""The sessions of the engine that a Django site had before: each is read once and goes on here."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.contrib.auth import SESSION_KEY

from sessions.django.expiry import EXPIRY, timeouts_of
from sessions.lifecycle.take_over import TakenOver, begin, emit_taken_over, find_taken_over
from sessions.operations.driver import run, run_async
from sessions.operations.operation import Flow, ReadClock, T

if TYPE_CHECKING:
    from sessions.django.settings import SiteConfig


class PreviousKey:
    """A key that may be one of SESSIONS["PREVIOUS_ENGINE"].

    Once its session is taken over, it is deleted there.

    Args:
        config: the site's.
        engine: the SessionStore of that engine.
        key: the cookie's value.

    Attributes:
        token: the token of what it is taken over to.
    """

    __slots__ = ("_config", "_key", "_old", "token")

    def __init__(self, config: SiteConfig, engine: type[Any], key: str) -> None:
        self._config = config
        self._key = key
        self._old = engine(key)
        self.token = config.sessions.tokens.derived_from(f"{config.sessions.cookie.name}={key}")

    def take_over(self) -> TakenOver | None:
        """What became of its session; None if there is none."""
        if self._old.session_key is None:
            return None  # not even of that engine's form
        taken = self._run(find_taken_over(self._config.sessions, self.token))
        if taken is None:
            data = self._old.load()
            if data:
                taken = self._run(self._beginning(data))
                if taken.loaded.row is not None:
                    self._old.delete(self._key)
        return taken

    async def atake_over(self) -> TakenOver | None:
        """The same in an event loop."""
        if self._old.session_key is None:
            return None
        taken = await self._run_async(find_taken_over(self._config.sessions, self.token))
        if taken is None:
            data = await self._old.aload()
            if data:
                taken = await self._run_async(self._beginning(data))
                if taken.loaded.row is not None:
                    await self._old.adelete(self._key)
        return taken

    def _beginning(self, data: Mapping[str, Any]) -> Flow[TakenOver]:
        site = self._config
        now: int = yield ReadClock()
        timeouts = timeouts_of(site.timeouts, data.get(EXPIRY), now)
        config = replace(site.sessions, timeouts=timeouts)
        user = data.get(SESSION_KEY)
        max_age = site.timeouts.lifetime_seconds
        taken = yield from begin(config, self.token, data, user, max_age)
        emit_taken_over(config, taken)
        return taken

    def _run(self, flow: Flow[T]) -> T:
        config = self._config.sessions
        return run(flow, config.store, config.deadline_seconds)

    async def _run_async(self, flow: Flow[T]) -> T:
        config = self._config.sessions
        return await run_async(flow, config.store, config.deadline_seconds)
