"""Credentials from botocore, refreshed in the background and used until they expire.

botocore refreshes inside ``get_frozen_credentials``, in the calling thread, for as long as it
takes, and raises if that fails, ten minutes before they expire. Here one refresh at a time runs in
the background, and requests are signed with the old credentials until these expire. Only then calls
wait for new ones, and without them it is an outage.

botocore refreshes a quarter of an hour before they expire, so credentials that live no longer, as a
role assumed for 15 minutes, would be refreshed at each call. Here they are after three eighths to
three quarters of their life.
"""

import logging
import math
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from time import monotonic_ns
from typing import Any

from botocore.exceptions import ConnectionError as ConnectingError
from botocore.exceptions import (
    CredentialRetrievalError,
    HTTPClientError,
    MetadataRetrievalError,
)

from ddbwire.concurrency.fork import at_fork
from ddbwire.concurrency.threads import run_in_thread
from ddbwire.errors import ConfigurationError, is_transient
from ddbwire.signing.sigv4 import AccessKeys
from ddbwire.steps import NoResponse, Step, StepResult, WaitFor

_SECOND_NS = 1_000_000_000

_JUST_NOW_NS = _SECOND_NS
"""How long after a renewal a refusal is taken for one of the old keys."""

_REFRESH_INTERVAL_NS = 10 * _SECOND_NS
"""The time to the next refresh after one without new keys, while the current ones are valid."""

_EXPIRED_REFRESH_INTERVAL_NS = _SECOND_NS
"""The same after they have expired."""

_QUARTER_HOUR_SECONDS = 900.0

_PROVIDER_OUTAGES = (
    CredentialRetrievalError,
    MetadataRetrievalError,
    ConnectingError,
    HTTPClientError,
    # Python's own, of a provider that the application has written.
    ConnectionError,
    TimeoutError,
)


def is_provider_outage(error: Exception) -> bool:
    """Whether the credentials' provider could not be reached, which may pass.

    Otherwise there are no credentials, or access to them is denied.
    """
    return isinstance(error, _PROVIDER_OUTAGES) or is_transient(error)


class CredentialSource:
    """The keys of a botocore credentials object, read without blocking."""

    __slots__ = (
        "__weakref__",
        "_credentials",
        "_failing",
        "_known",
        "_lock",
        "_refresh",
        "_reload",
        "_renew_within_seconds",
        "_renewals",
        "_renewed_ns",
        "_serves_until_ns",
        "_tried_ns",
        "for_botocore",
    )

    def __init__(self, credentials: Any, frozen: Any, reload: Callable[[], Any]) -> None:
        """Take the first keys from ``frozen``, what ``load_keys`` returned.

        ``reload`` searches the provider chain again. It returns None if it finds nothing, or if the
        credentials are explicit.

        Raises:
            ConfigurationError: the keys can't be sent.
        """
        self._credentials = credentials
        self._reload = reload
        # Reentrant: a finalizer or a signal handler may make a call in the midst of another.
        self._lock = threading.RLock()
        self._refresh: Future[None] | None = None
        self._renewals = 0
        self._renewed_ns = -_JUST_NOW_NS
        self._tried_ns = -_REFRESH_INTERVAL_NS
        # With how little time left keys are renewed for which botocore's quarter of an hour has
        # begun; at once, unless that is most of their life.
        self._renew_within_seconds = math.inf
        self._serves_until_ns = 0
        self._failing = False
        # What botocore froze and its keys are replaced together: with a newer frozen object beside
        # older keys, another thread would sign with those.
        self._known: tuple[Any, AccessKeys] = (None, AccessKeys("", "", None))
        self._store(frozen)
        self.for_botocore = BotocoreCredentials(self)
        """The current keys in the form that botocore's clients sign with."""
        at_fork(self)

    @property
    def frozen(self) -> Any:
        """The current keys as botocore froze them, even if they have expired."""
        return self._known[0]

    @property
    def latest(self) -> AccessKeys:
        """The keys that were read last, even if they have expired."""
        return self._known[1]

    @property
    def method(self) -> str:
        """Botocore's name for their source, such as "env"."""
        method: str = self._credentials.method
        return method

    def keys(self) -> Generator[Step, StepResult, AccessKeys | NoResponse]:
        """The keys to sign with; a failure if they have expired and there are no new ones yet."""
        needed = getattr(self._credentials, "refresh_needed", None)
        if needed is None or not needed():
            keys = self._read()
            self._failing = False
            return keys
        # By the time as well: boto3, with the same session, may have renewed botocore's keys.
        if not needed(self._renew_within_seconds) and monotonic_ns() < self._serves_until_ns:
            return self._known[1]
        expired = needed(0)
        refresh = self._start_when_due(
            _EXPIRED_REFRESH_INTERVAL_NS if expired else _REFRESH_INTERVAL_NS
        )
        if not expired:
            return self._known[1]
        yield WaitFor(refresh)
        if not refresh.done():
            cause = "the credentials have expired, and new ones did not come in time"
            return NoResponse(cause, sent=False, timed_out=True)
        if not needed(0):
            return self._known[1]
        error = refresh.exception()
        reason = "still expired" if error is None else f"{type(error).__name__}: {error}"
        return NoResponse(
            f"the credentials have expired and can't be renewed ({reason})", sent=False
        )

    def refresh(self) -> Generator[Step, StepResult, None]:
        """Get new keys though the old ones have not expired: the endpoint has refused them.

        Calls that are refused together share one renewal. If there are no new keys, ``keys``
        returns a failure.
        """
        if monotonic_ns() - self._renewed_ns >= _JUST_NOW_NS:
            yield WaitFor(self._start(self._replace))

    def after_fork_in_child(self) -> None:
        """Drop the parent's lock and refresh, whose thread does not exist here."""
        self._lock = threading.RLock()
        self._refresh = None

    def _start_when_due(self, pause_ns: int) -> "Future[None]":
        refresh = self._refresh
        if refresh is not None and monotonic_ns() - self._tried_ns < pause_ns:
            return refresh
        return self._start(self._renew)

    def _start(self, work: Callable[[], None]) -> "Future[None]":
        with self._lock:
            if self._refresh is None or self._refresh.done():
                self._tried_ns = monotonic_ns()
                self._refresh = run_in_thread(work)
            return self._refresh

    def _renew(self) -> None:
        before = self._known[1]
        try:
            frozen = self._credentials.get_frozen_credentials()  # where botocore renews them
            self._renewals += 1
            if self._store(frozen) != before:
                seconds = _renewed_within_seconds(self._credentials)
                if seconds != math.inf:  # their life is two to four times as long
                    self._serves_until_ns = monotonic_ns() + round(1.5 * seconds * _SECOND_NS)
                self._renew_within_seconds = seconds
        except Exception as error:  # of any class: the application may have written the provider
            if not self._failing:
                self._failing = True
                logging.getLogger("ddbwire.credentials").warning(
                    "credentials could not be renewed; the present ones serve until they expire: "
                    "%s: %s",
                    type(error).__name__,
                    error,
                )
            raise
        finally:
            self._tried_ns = monotonic_ns()
        self._failing = False

    def _replace(self) -> None:
        credentials = self._credentials
        if hasattr(credentials, "refresh_needed"):
            _forget_in_cache(credentials)
            # botocore has no public way to say that credentials have expired early.
            credentials._expiry_time = datetime.now(UTC) - timedelta(seconds=1)
        else:
            self._credentials = self._reload() or credentials
        self._renew()
        self._renewed_ns = monotonic_ns()

    def _read(self) -> AccessKeys:
        while True:
            renewals, known = self._renewals, self._known
            frozen = self._credentials.get_frozen_credentials()
            if frozen is known[0]:
                return known[1]
            keys = self._store(frozen)
            # Checked after it was stored: a renewal is counted before its keys are.
            if renewals == self._renewals:
                return keys

    def _store(self, frozen: Any) -> AccessKeys:
        keys = AccessKeys(frozen.access_key, frozen.secret_key, frozen.token)
        _require_printable(keys, self.method)
        self._known = (frozen, keys)
        return keys


class BotocoreCredentials:
    """A credentials object for botocore's clients that never refreshes in the thread of a call."""

    def __init__(self, source: CredentialSource) -> None:
        self._credential_source = source

    @property
    def method(self) -> str:
        """The source of the keys."""
        return self._credential_source.method

    @property
    def account_id(self) -> str | None:
        """The account of the keys, if it is known; endpoints may contain it."""
        account: str | None = getattr(self._credential_source.frozen, "account_id", None)
        return account

    def get_frozen_credentials(self) -> Any:
        """The current keys."""
        return self._credential_source.frozen

    def get_deferred_property(self, name: str) -> Callable[[], Any]:
        """A function that returns one of the attributes above."""
        return lambda: getattr(self, name, None)


def load_keys(credentials: Any) -> Any:
    """Make botocore load the first keys of a credentials object, which may block.

    Returns:
        the keys as botocore froze them.

    Raises:
        botocore.exceptions.BotoCoreError, ClientError: the provider fails.
    """
    try:
        return credentials.get_frozen_credentials()
    except RuntimeError as error:  # botocore's error for credentials that have expired already
        raise CredentialRetrievalError(provider=credentials.method, error_msg=str(error)) from error


def _renewed_within_seconds(credentials: Any) -> float:
    """With how little time left new keys are renewed: at once, if botocore's time has not begun."""
    needed = getattr(credentials, "refresh_needed", None)
    if needed is None or not needed():
        return math.inf
    seconds = _QUARTER_HOUR_SECONDS
    while seconds > 1 and needed(seconds):
        seconds /= 2
    return seconds / 2


def _forget_in_cache(credentials: Any) -> None:
    """Make botocore assume a role again, instead of taking the refused keys from its cache."""
    fetcher = getattr(getattr(credentials, "_refresh_using", None), "__self__", None)
    cache, key = getattr(fetcher, "_cache", None), getattr(fetcher, "_cache_key", None)
    if cache is not None and key in cache:
        del cache[key]


def _require_printable(keys: AccessKeys, provider: str) -> None:
    """Refuse characters that would end a header line, or make every signature wrong."""
    named = {
        "access key": keys.access_key,
        "secret key": keys.secret_key,
        "session token": keys.token or "",
    }
    for name, text in named.items():
        if not isinstance(text, str) or not text.isprintable():
            raise ConfigurationError(
                f"the {name} of the credentials ({provider}) is not a str, or contains a line "
                "end or another control character; credentials are printable text: correct it "
                "where they are set"
            )
