"""One of Django's sessions: the dict that Django has of it, and the row that it is kept in."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.contrib.auth import SESSION_KEY

from sessions.django.expiry import EXPIRY
from sessions.django.flow import new, opened, written
from sessions.operation import Flow
from sessions.session import OWN, Session
from sessions.value import decoded

if TYPE_CHECKING:
    from sessions.django.settings import Site
    from sessions.row import Row

_KEPT = OWN + "kept"
"""Keeps a session that Django wants to exist, though it has no data."""


class Record:
    """A session as it was read or saved last, to tell what Django's dict has changed.

    Args:
        site: the site's.
    """

    __slots__ = ("_next", "_overlooked", "_session", "_site", "_texts")

    def __init__(self, site: Site) -> None:
        self._site = site
        self._session: Session | None = None
        self._texts: dict[str, str] = {}
        self._overlooked: dict[str, str] | None = None
        self._next: str | None = None  # the token that Django has been told already

    @property
    def is_open(self) -> bool:
        """Whether it was read, or begun."""
        return self._session is not None

    @property
    def row(self) -> Row | None:
        """Its row, if it is open and has one."""
        return None if self._session is None else self._session.row  # an empty one is falsy

    def begin(self) -> None:
        """Be a session that has no row."""
        self._session, self._texts = new(self._site), {}
        self._overlooked, self._next = None, None

    def open(self, token: str | None) -> Flow[None]:
        """Read it; without a token, or a row of it, begin."""
        self.begin()
        if token is not None:
            session = yield from opened(self._site, token)
            texts = session.values_.texts()
            self._session = session
            self._texts = {key: texts[key] for key in texts if not key.startswith(OWN)}

    def data(self) -> dict[str, Any]:
        """What Django is given of it."""
        return {key: decoded(text) for key, text in self._texts.items()}

    def differs_from(self, data: Mapping[str, Any]) -> bool:
        """Whether there is anything to save that is not overlooked. Raises as ``text_of`` does."""
        return _texts_of(data) != (self._texts if self._overlooked is None else self._overlooked)

    def overlook(self, data: Mapping[str, Any]) -> None:
        """Take what differs by now for nothing to save, as the app wants it."""
        self._overlooked = _texts_of(data)

    def is_of_user_in(self, data: Mapping[str, Any]) -> bool:
        """Whether the row is the user's whom the data names; nobody's if it names none."""
        return self.row is not None and self.row.owner_id == _user_id_in(data)

    def choose_key(self) -> str:
        """What its cookie is to hold from the next save on."""
        tokens = self._site.desk.terms.tokens
        self._next = tokens.new()
        return tokens.in_cookie(self._next)

    def save(self, data: Mapping[str, Any], device: str | None) -> Flow[str | None]:
        """Write what differs; what the cookie is to hold if it is another from now on.

        Raises:
            UpdateError: it was ended meanwhile.
            TypeError, ValueError: something in the data can't be stored.
        """
        session = self._session
        assert session is not None  # noqa: S101 - whoever saves has opened or begun it
        texts = _texts_of(data)
        _own(session, _user_id_in(data), device, turns=self._next is not None)
        for key in set(session) - set(texts):
            del session[key]
        for key, text in texts.items():
            if text != self._texts.get(key) or key not in session:
                session[key] = decoded(text)
        if not texts and session.row is None and session.login_as is None:
            session.values_[_KEPT] = True
        kept = yield from written(self._site, session, data.get(EXPIRY), self._next)
        self._texts, self._overlooked, self._next = texts, None, None
        return kept.token and self._site.desk.terms.tokens.in_cookie(kept.token)


def text_of(key: object, value: object) -> str:
    """The JSON of a value, as Django's JSONSerializer makes it: tuples become lists.

    Raises:
        TypeError, ValueError: there is none, or the key can't be one. The message names the key.
    """
    if not isinstance(key, str) or not key:
        raise TypeError(f"session[{key!r}]: keys are texts of at least one character")
    if key.startswith(OWN):
        raise ValueError(f"session[{key!r}]: keys that begin with {OWN!r} are the session's own")
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except TypeError as error:
        raise TypeError(f"session[{key!r}]: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"session[{key!r}]: {error}") from error


def _own(session: Session, user_id: str | None, device: str | None, *, turns: bool) -> None:
    """Make it the session of the user whom Django's data names."""
    if user_id == session.user_id:
        if turns and session.row is not None:
            session.rotate()
    elif user_id is None:
        session.logout()
    else:
        session.login(user_id, device=device)


def _texts_of(data: Mapping[str, Any]) -> dict[str, str]:
    return {key: text_of(key, value) for key, value in data.items()}


def _user_id_in(data: Mapping[str, Any]) -> str | None:
    named = data.get(SESSION_KEY)
    return None if named is None else str(named)
