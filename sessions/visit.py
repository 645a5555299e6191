"""One request's visit to the desk: its session, from the cookie that came to the fields that go.

the session is opened     at once in an event loop, at its first use elsewhere
the response begins       it is committed, and the fields are known
the response is over      what was changed since, and not saved, is told as an error
"""

from __future__ import annotations

from sessions.commit import Kept, is_idle
from sessions.desk import Desk
from sessions.errors import SessionNotSaved
from sessions.session import Opened, Session

Fields = list[tuple[str, str]]


class Visit:
    """A request's session and its cookie.

    Args:
        desk: the application's.
        cookies: the request's Cookie field; None where it has none.

    Attributes:
        session: the session.
    """

    __slots__ = ("_desk", "_kept", "_token", "session")

    def __init__(self, desk: Desk, cookies: str | None) -> None:
        self._desk = desk
        self._token = desk.token_in(cookies)
        self._kept = Kept()
        self.session = Session(self)

    def open(self) -> Opened:
        """What the cookie leads to, read now."""
        return Opened() if self._token is None else self._desk.load(self._token)

    async def open_async(self) -> None:
        """Read the session in an event loop; nothing is read where there is no cookie."""
        found = Opened() if self._token is None else await self._desk.load_async(self._token)
        self.session.adopt(found)

    def save(self, session: Session) -> None:
        """Save the session now."""
        self._note(self._desk.commit(session))

    async def save_async(self, session: Session) -> None:
        """Save the session now, in an event loop."""
        self._note(await self._desk.commit_async(session))

    def begin(self) -> Fields:
        """Commit, since the response begins, and tell the fields to add to it."""
        if self.session.is_opened() and not is_idle(self._desk.terms, self.session):
            self.save(self.session)
        self.session.began = True
        return self._fields()

    async def begin_async(self) -> Fields:
        """The same in an event loop."""
        if not is_idle(self._desk.terms, self.session):
            await self.save_async(self.session)
        self.session.began = True
        return self._fields()

    async def refuse_async(self) -> None:
        """Commit, since a websocket is closed; if it never was accepted, no cookie can be set."""
        if not self.session.began:
            self.session.began = True
            if not is_idle(self._desk.terms, self.session):
                await self.save_async(self.session)

    def end(self) -> None:
        """Check that nothing is lost, since the response is over.

        Raises:
            SessionNotSaved: the session was changed after its response began, and not saved.
        """
        if self.session.began and self.session.has_changed():
            raise SessionNotSaved(
                "the session was changed after its response had begun, and save() was not called: "
                "the change is lost"
            )

    def _note(self, kept: Kept) -> None:
        if kept.token is not None or kept.cleared:
            self._kept = kept

    def _fields(self) -> Fields:
        fields = []
        row = self.session.row
        if self._kept.token is not None and row is not None:
            value = self._desk.terms.tokens.in_cookie(self._kept.token)
            age_seconds = row.ends_at - row.last_seen_at
            fields.append(("set-cookie", self._desk.cookie.set_to(value, age_seconds)))
        elif self._kept.cleared:
            fields.append(("set-cookie", self._desk.cookie.cleared()))
        if self.session.accessed:
            fields.append(("vary", "Cookie"))
        return fields


def with_fields(headers: list[tuple[str, str]], fields: Fields) -> list[tuple[str, str]]:
    """A response's headers with the session's: Vary once, and nothing stored that sets a cookie."""
    names = {name for name, _ in fields}
    made = list(headers)
    if "set-cookie" in names:
        made = [(name, value) for name, value in made if name.lower() != "cache-control"]
        made.append(("cache-control", "no-store"))
    for name, value in fields:
        if name == "vary" and _varies_by_cookie(made):
            continue
        made.append((name, value))
    return made


def _varies_by_cookie(headers: list[tuple[str, str]]) -> bool:
    values = [value for name, value in headers if name.lower() == "vary"]
    listed = {part.strip().lower() for value in values for part in value.split(",")}
    return bool(listed & {"cookie", "*"})
