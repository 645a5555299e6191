"""A session by its key: open, save, change the key, end.

The key is the cookie's value. The browser keeps its key until a response sets another one, so this
class knows both.
"""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from django.contrib.sessions.backends.base import CreateError
from django.core.exceptions import SynchronousOnlyOperation

from ddbwire.concurrency.in_event_loop import in_event_loop
from sessions.django.flow import delete_row, find_session
from sessions.django.previous import PreviousKey
from sessions.django.record import Record, names_user
from sessions.errors import StoreUnavailable
from sessions.loaded_session import LoadedSession
from sessions.operations.driver import run, run_async
from sessions.operations.operation import Flow, T

if TYPE_CHECKING:
    from sessions.django.settings import SiteConfig
    from sessions.lifecycle.take_over import TakenOver
    from sessions.operations.row import Row


class KeyedSession:
    """A session by its key, with the flows of Django's methods.

    Args:
        config: the site's.
        given: the key of the request's cookie; None if it has none.

    Attributes:
        key: the current key; None if there is no session that it could lead to.
        other_keys: the keys of other cookies with the same name.
        record: the session.
        has_ended: whether the given key is invalid: it was malformed, or ``end`` ended its session.
        is_deleted: whether ``delete`` deleted its row, and nothing happened since.
        is_of_request: whether the middleware made it, which will save it.
    """

    __slots__ = (
        "_config",
        "_cookie_key",
        "_is_taken_over",
        "_outage",
        "_previous",
        "has_ended",
        "is_deleted",
        "is_of_request",
        "key",
        "other_keys",
        "record",
    )

    def __init__(self, config: SiteConfig, given: str | None) -> None:
        self._config = config
        self.other_keys: list[str] = []
        self._previous: PreviousKey | None = None
        self._is_taken_over = False
        self._outage: StoreUnavailable | None = None  # why it could not be read
        self.record = Record(config)
        self.is_deleted = False
        self.is_of_request = False
        self.key = given if self.is_well_formed(given) else None
        engine = config.previous_engine
        if given and self.key is None and engine is not None:
            self._previous = PreviousKey(config, engine, given)
            self.key = config.sessions.tokens.in_cookie(self._previous.token)
        self.has_ended = bool(given) and self.key is None
        if self.has_ended:
            config.sessions.events.emit("invalid", None, None, "malformed")
        self._cookie_key = self.key

    def add_keys(self, keys: list[str]) -> None:
        """Add the keys of other cookies with the same name, tried if the first leads to nothing."""
        self.other_keys = keys
        if self._previous is not None:
            self._previous.other_keys = keys

    def is_well_formed(self, key: object) -> bool:
        """Whether a key is well-formed, and its MAC is right."""
        return isinstance(key, str) and self._token_of(key) is not None

    @property
    def has_other_cookie(self) -> bool:
        """Whether the browser's cookie must be set again: its key or its expiry has changed."""
        if self.record.row is None or self.record.has_next_key:
            return False  # there is nothing yet that it could lead to
        is_other = self.key != self._cookie_key or self.record.has_other_cookie_end
        return is_other or self._is_taken_over

    # Flows

    def open(self, *, again: bool = False) -> Flow[bool]:
        """Read it, unless it was read; whether its use was noted.

        Raises:
            StoreUnavailable: it can't be read. With ON_OUTAGE = "empty" it is empty instead.
        """
        if self.record.is_open and not again:
            return False
        if self.is_of_request and not self._config.sessions.empty_on_outage:
            self.require_readable("session")  # a request tries it once
        try:
            return (yield from self._open())
        except StoreUnavailable as outage:
            self._note_outage(outage)
            return False

    def _open(self) -> Flow[bool]:
        for key in (self.key, *self.other_keys):
            is_touched = yield from self.record.open(None if key is None else self._token_of(key))
            self._outage = None
            if self.record.row is not None or self.record.is_replaced:
                self.key = self._cookie_key = key
                return is_touched
        self.key = None
        return False

    def _note_outage(self, outage: StoreUnavailable) -> None:
        """Become an empty session with ON_OUTAGE = "empty"; otherwise raise the outage."""
        self._outage = outage
        sessions = self._config.sessions
        if sessions.empty_on_outage:
            self.record.start_new()
        sessions.events.emit("unavailable", None, None)
        if not sessions.empty_on_outage:
            raise outage

    def require_readable(self, what: str) -> None:
        """Check that it could be read, if that was tried.

        Raises:
            StoreUnavailable: it could not.
        """
        if self._outage is not None:
            raise StoreUnavailable(
                f"{what}: the session could not be read: {self._outage}"
            ) from self._outage

    def find(self, key: str | None) -> Flow[Row | None]:
        """The row of any key."""
        token = self._token_of(key) if isinstance(key, str) else None
        if token is None:
            return None
        found = yield from find_session(self._config, token)
        return found.row if isinstance(found, LoadedSession) else None

    def start_new(self) -> None:
        """Become another session, which has no row and no key."""
        self.key, self.is_deleted = None, False
        self.record.start_new()

    def save(
        self, data: dict[str, Any] | None, device: str | None, *, must_create: bool = False
    ) -> Flow[dict[str, Any]]:
        """Write the differences; returns Django's dict, which is read if it was not yet.

        Changes of a session that could not be read are dropped, unless a user logs in.

        Raises:
            CreateError: ``must_create``, and it has a row already.
            UpdateError: it was ended meanwhile.
            StoreUnavailable: it can't be saved.
        """
        is_just_read = not self.record.is_open
        if not must_create:
            yield from self.open()
            if is_just_read:
                self.require_readable("session.save()")
        elif self.record.row is not None:
            raise CreateError
        else:
            self.record.start_new()
        data = self.record.data() if data is None else data
        if self._outage is not None and not names_user(data):
            if self.record.differs_from(data):
                self.emit_dropped("unavailable")
            self.record.overlook(data)
            return data
        key = yield from self.record.save(data, device, is_just_read=is_just_read)
        if key is not None:
            self.key = key
        return data

    def emit_dropped(self, why: str) -> None:
        """Emit the event of changes that are not saved."""
        self._config.sessions.events.emit("dropped", None, None, why)

    def cycle(self, data: dict[str, Any], device: str | None) -> Flow[None]:
        """Change the key; for an anonymous session of a request, with the next save.

        It keeps its key if another request has confirmed the login meanwhile, whose response brings
        the new one.

        Raises:
            UpdateError: it was ended meanwhile.
        """
        yield from self.open()
        chosen = self.record.choose_key()
        if self.record.row is not None and (self.record.is_of_a_user or not self.is_of_request):
            yield from self.save(data, device)
        else:
            self.key = chosen

    def delete(self, key: str | None) -> Flow[None]:
        """Delete the row of a key; its own for None."""
        if key is None and self.record.is_open:
            row = self.record.row
        else:
            row = yield from self.find(key or self.key)
        if row is not None:
            yield from delete_row(self._config, row)
        if key is None:
            self.is_deleted = True
            yield from self._delete_others()

    def end(self) -> Flow[None]:
        """Delete its row, and become another, empty session.

        A session that was replaced meanwhile keeps its key, so that no middleware deletes the
        cookie, which may be the login's now.
        """
        yield from self.open()
        self.require_readable("session.flush()")
        yield from self.record.end()
        yield from self._delete_others()
        if not self.record.is_replaced:
            self.key, self.is_deleted, self.has_ended = None, False, True

    def _delete_others(self) -> Flow[None]:
        for key in self.other_keys:  # otherwise they would log the user in
            row = yield from self.find(key)
            if row is not None:
                yield from delete_row(self._config, row)

    # Drivers

    def run(self, flow: Flow[T]) -> T:
        """Run a flow, after the session of a previous engine's key was taken over.

        Raises:
            SynchronousOnlyOperation: it would ask the store in an event loop.
        """
        if in_event_loop() and not os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE"):
            return _result_of_no_call(flow)
        if self._previous is not None:
            if self.is_of_request:
                self.require_readable("session")  # a request tries it once
            try:
                self._take(self._previous.take_over(), self._previous)
            except StoreUnavailable as outage:
                self._note_outage(outage)
            self._previous = None
        config = self._config.sessions
        return run(flow, config.store, config.deadline_seconds)

    async def run_async(self, flow: Flow[T]) -> T:
        """Run a flow in an event loop."""
        if self._previous is not None:
            if self.is_of_request:
                self.require_readable("session")
            try:
                self._take(await self._previous.atake_over(), self._previous)
            except StoreUnavailable as outage:
                self._note_outage(outage)
            self._previous = None
        config = self._config.sessions
        return await run_async(flow, config.store, config.deadline_seconds)

    def _take(self, taken: TakenOver | None, previous: PreviousKey) -> None:
        if self.key == self._cookie_key:  # none was begun meanwhile
            self.key = self._cookie_key = self._config.sessions.tokens.in_cookie(previous.token)
        if taken is None or (taken.loaded.row is None and taken.loaded.replaced is None):
            self.has_ended = True
        elif taken.cookie_is_due:
            self._is_taken_over = True

    def _token_of(self, key: str) -> str | None:
        return self._config.sessions.tokens.of_cookie(key)


def _result_of_no_call(flow: Flow[T]) -> T:
    """The result of a flow that asks the store nothing, as of a session that was read.

    Raises:
        SynchronousOnlyOperation: it asks something.
    """
    try:
        next(flow)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # a generator's T, lost by StopIteration
    raise SynchronousOnlyOperation(
        "the session would be read or written here, and stop the event loop until the store "
        "answers: use an async method, as await request.session.aget(key), or sync_to_async"
    )
