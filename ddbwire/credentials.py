"""Credentials as botocore finds and refreshes them, without its waits.

botocore refreshes inside ``get_frozen_credentials``, in whatever thread calls it, for as long as
that takes. Here the refresh runs in the background, one at a time: requests are signed with the
old credentials until botocore's own mandatory window begins, and only then wait.
"""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from datetime import UTC, datetime
from time import monotonic_ns
from typing import Any

from ddbwire.background import in_background
from ddbwire.fork import at_fork
from ddbwire.signing import Keys
from ddbwire.step import Answer, Await, Step

_MANDATORY_SECONDS = 10 * 60
"""How long before they expire botocore no longer goes on with old credentials.

Source: ``RefreshableCredentials`` in botocore; longer than any deadline, so one second sooner or
later does not matter.
"""

_JUST_NOW_NS = 1_000_000_000
"""How long after a renewal a refusal is taken to be one of the keys before it."""


class CredentialSource:
    """Reads the keys of a botocore credentials object as often as one likes, never blocking."""

    __slots__ = (
        "__weakref__",
        "_credentials",
        "_keys",
        "_lock",
        "_refresh",
        "_reload",
        "_renewed_ns",
    )

    def __init__(self, credentials: Any, reload: Callable[[], Any]) -> None:
        """Read the first keys, which may block.

        ``reload`` searches the chain of providers anew, and returns None if it finds nothing or
        if the credentials were given rather than found.
        """
        self._credentials = credentials
        self._reload = reload
        self._lock = threading.Lock()
        self._refresh: Future[None] | None = None
        self._renewed_ns = -_JUST_NOW_NS
        self._keys = self._read()
        at_fork(self)

    def keys(self) -> Generator[Step, Answer, Keys | None]:
        """The keys to sign with; None if they could not be renewed within the deadline."""
        needed = getattr(self._credentials, "refresh_needed", None)
        if needed is None or not needed():
            self._keys = self._read()
            return self._keys
        refresh = self._start(self._store)
        if needed(_MANDATORY_SECONDS):
            yield Await(refresh)
            if not refresh.done():
                return None
            refresh.result()
        return self._keys

    def renew(self) -> Generator[Step, Answer, None]:
        """Get new keys though the old ones seem good: the endpoint says that they are not.

        Calls that are refused together are served by one renewal.
        """
        if monotonic_ns() - self._renewed_ns < _JUST_NOW_NS:
            return
        refresh = self._start(self._replace)
        yield Await(refresh)
        if refresh.done():
            refresh.result()

    def after_fork_in_child(self) -> None:
        """Forget the parent's lock and threads."""
        self._lock = threading.Lock()
        self._refresh = None

    def _start(self, work: Callable[[], None]) -> "Future[None]":
        with self._lock:
            if self._refresh is None or self._refresh.done():
                self._refresh = in_background(work)
            return self._refresh

    def _store(self) -> None:
        self._keys = self._read()

    def _replace(self) -> None:
        if hasattr(self._credentials, "refresh_needed"):
            # botocore offers no way to say that credentials expired early, but for saying so.
            self._credentials._expiry_time = datetime.now(UTC)
        else:
            self._credentials = self._reload() or self._credentials
        self._store()
        self._renewed_ns = monotonic_ns()

    def _read(self) -> Keys:
        frozen = self._credentials.get_frozen_credentials()
        return Keys(frozen.access_key, frozen.secret_key, frozen.token)
