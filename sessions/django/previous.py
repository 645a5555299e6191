"""The sessions of the engine that a Django site had before: each is read once, and taken over."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

    When its session has been taken over, it is deleted in that engine.

    Args:
        config: the site's.
        engine: the SessionStore of that engine.
        key: the cookie's value.

    Attributes:
        token: the token of the session that it is taken over to.
        other_keys: the keys of other cookies with the same name, tried if the first leads to
            nothing; ``token`` is then that of the key that led to a session.
    """

    __slots__ = ("_config", "_engine", "_key", "other_keys", "token")

    def __init__(self, config: SiteConfig, engine: type[Any], key: str) -> None:
        self._config = config
        self._engine = engine
        self._key = key
        self.other_keys: list[str] = []
        self.token = self._token_of(key)

    def take_over(self) -> TakenOver | None:
        """Take over its session; None if there is none."""
        taken = None
        for old, token in self._old_sessions():
            found = self._run(self._finding(token))
            if found is None:
                data = old.load()
                if data:
                    found = self._run(self._beginning(token, data))
                    if found.loaded.row is not None:
                        old.delete(old.session_key)
            taken = found or taken
            if self._leads(found, token):
                break
        return taken

    async def atake_over(self) -> TakenOver | None:
        """The same in an event loop."""
        taken = None
        for old, token in self._old_sessions():
            found = await self._run_async(self._finding(token))
            if found is None:
                data = await old.aload()
                if data:
                    found = await self._run_async(self._beginning(token, data))
                    if found.loaded.row is not None:
                        await old.adelete(old.session_key)
            taken = found or taken
            if self._leads(found, token):
                break
        return taken

    def _old_sessions(self) -> Iterator[tuple[Any, str]]:
        """For each key that is well-formed in the old engine, its session there and its token."""
        for key in (self._key, *self.other_keys):
            old = self._engine(key)
            if old.session_key is not None:
                yield old, self._token_of(key)

    def _leads(self, taken: TakenOver | None, token: str) -> bool:
        """Whether a key led to a session, or to one that was replaced. Then its token is used."""
        leads = taken is not None and (
            taken.loaded.row is not None or taken.loaded.replaced is not None
        )
        if leads:
            self.token = token
        return leads

    def _token_of(self, key: str) -> str:
        config = self._config.sessions
        return config.tokens.derived_from(f"{config.cookie.name}={key}")

    def _finding(self, token: str) -> Flow[TakenOver | None]:
        site = self._config
        return find_taken_over(site.sessions, token, site.timeouts.lifetime_seconds)

    def _beginning(self, token: str, data: Mapping[str, Any]) -> Flow[TakenOver]:
        site = self._config
        now: int = yield ReadClock()
        timeouts = timeouts_of(site.timeouts, data.get(EXPIRY), now)
        config = replace(site.sessions, timeouts=timeouts)
        user = data.get(SESSION_KEY)
        max_age = site.timeouts.lifetime_seconds
        taken = yield from begin(config, token, data, user, max_age)
        emit_taken_over(config, taken)
        return taken

    def _run(self, flow: Flow[T]) -> T:
        config = self._config.sessions
        return run(flow, config.store, config.deadline_seconds)

    async def _run_async(self, flow: Flow[T]) -> T:
        config = self._config.sessions
        return await run_async(flow, config.store, config.deadline_seconds)
