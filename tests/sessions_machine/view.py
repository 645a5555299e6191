"""What one request sees of its session and does to it, by the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.sessions_machine.lineage import Ticket


def text(value: Any) -> str:
    """A value's JSON, by which values are compared: True, 1 and 1.0 are three."""
    return json.dumps(value, separators=(",", ":"))


def told(encoded: Mapping[str, str]) -> dict[str, str]:
    """The JSON of a session's values, without what a rotation stores for the forms of before.

    Nor with the time of the login.
    """
    left_out = {"sessions.csrf", "sessions.authenticated_at"}  # not the messages of flash
    return {key: one for key, one in encoded.items() if key not in left_out}


class View:
    """A request's own copy, from when it opened the session until it ends.

    Attributes:
        ticket: the id that it uses; None while there is none.
        owner: who is logged in.
        values: what the request has made of the session.
        login_as, device, rotates, ended: what it asked for since its last commit.
        opened_at: the epoch second when it was read.
        fresh: the ticket that the response is to set the cookie to.
        clears: whether the response is to clear the cookie.
        replaced: the id that its cookie led to, if a login had taken its place.
        saves, changes: how often the lineage had been saved, or changed, when it was seen last.
    """

    def __init__(self) -> None:
        self.fresh: Ticket | None = None
        self.clears = False
        self.opened_at = 0
        self.replaced: Ticket | None = None
        self.forget()

    def forget(self) -> None:
        """Be empty, with nothing asked for."""
        self.ended: Ticket | None = None
        self.ticket: Ticket | None
        self.owner: str | None
        self._base: dict[str, str]
        self.values: dict[str, Any]
        self.login_as: str | None
        self.device: str | None
        self._empty()

    def adopt(self, ticket: Ticket) -> None:
        """See what an id leads to."""
        lineage = ticket.lineage
        self.ticket, self.owner = ticket, lineage.owner
        self._base = dict(lineage.data)
        self.values = {key: json.loads(one) for key, one in lineage.data.items()}
        self.saves, self.changes = lineage.saves, lineage.changes

    def saved(self, ticket: Ticket) -> None:
        """All that was asked for is done; the request goes on under this id."""
        self.ticket, self.owner = ticket, ticket.lineage.owner
        self.login_as, self.device, self.rotates = None, None, False
        self.changes = ticket.lineage.changes
        self._base = self.texts()

    def login(self, user_id: str, device: str) -> None:
        others = {self.owner, self.login_as} - {None, user_id}
        if others:
            self.logout()
        self.login_as, self.device = user_id, device
        self.rotates = False

    def logout(self) -> None:
        self.ended = self.ticket or self.ended
        self._empty()

    def rotate(self) -> None:
        self.rotates = self.login_as is None

    @property
    def user(self) -> str | None:
        """Who the application is to be told is logged in."""
        return self.login_as or self.owner

    def texts(self) -> dict[str, str]:
        """The JSON of each value."""
        return {key: text(value) for key, value in self.values.items()}

    def changed(self) -> dict[str, str]:
        """The JSON of each value that is new or other than it was."""
        return {key: one for key, one in self.texts().items() if self._base.get(key) != one}

    def has_changed(self) -> bool:
        return self.texts() != self._base

    def applied_to(self, data: Mapping[str, str]) -> dict[str, str]:
        """What others may have changed meanwhile, with this request's own changes."""
        removed = self._base.keys() - self.values.keys()
        return {key: one for key, one in data.items() if key not in removed} | self.changed()

    def _empty(self) -> None:
        self.ticket, self.owner = None, None
        self._base, self.values = {}, {}
        self.login_as, self.device, self.rotates = None, None, False
        self.saves = self.changes = 0
