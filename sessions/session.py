"""The session as an application uses it: its user, its id, login, logout, save.

Its values are in ``session_mapping.py``; what loads and saves it is in ``lifecycle/``.
"""

from __future__ import annotations

from typing import Literal, Self

from sessions import freshness
from sessions.arguments import require_text
from sessions.credential import CredentialKind
from sessions.end_reason import EndReason
from sessions.errors import AuthenticationRequired
from sessions.lifecycle.commit import has_changed
from sessions.lifecycle.open import load_awaited, load_session
from sessions.lifecycle.reload import reload, still_valid
from sessions.lifecycle.save_now import issue_token, save
from sessions.operations.operation import Flow, T
from sessions.session_mapping import SessionMapping
from sessions.values import csrf
from sessions.values.flash import FLASH_PREFIX, Flash, leave, take_all


class Session(SessionMapping):
    """One user's session in one request.

    A MutableMapping of JSON values by str keys; changes inside lists and dicts are noticed.
    Any use, reading included, sets ``accessed``, and the response gets ``Vary: Cookie``.

        session["cart"] = [17]
        session["cart"].append(18)  # saved too
        session.login("user-456", device="Firefox on Linux")

    A key that the application has set hides the name below that is spelled the same: with a
    ``session["user_id"]``, ``{{ session.user_id }}`` in a template is that value, and in Python
    ``session.user_id`` raises AttributeError rather than guess. ``session_of(session)`` is the same
    session with no name hidden. Methods of a dict, such as ``items``, are never hidden.

    Args:
        request_session: the request's.
        names_give_way: whether keys hide its names.

    Attributes:
        accessed: whether the application used it.
    """

    __slots__ = ()

    def clear(self) -> None:
        """End the session, as ``logout`` does: a session without values belongs to nobody.

        A value that is set later begins another session, with another id.
        """
        self._used()
        self._request_session.logout()

    # Its state

    @property
    def accessed(self) -> bool:
        """Whether the application used it."""
        return self._request_session.accessed

    @property
    def modified(self) -> bool:
        """Whether there is anything to save. Changes inside lists and dicts are found without it.

        Code for Starlette or Flask sets it after such a change; here that has no effect.

        Raises:
            ValueError: it is set to False, though something was changed.
        """
        return self._has_changed()

    @modified.setter
    def modified(self, value: bool) -> None:
        if not value and self._has_changed():
            raise ValueError(
                "session.modified = False: a change is always saved; undo the change instead"
            )

    def mark_modified(self) -> None:
        """The same as ``modified = True``; Starlette's own session has this method."""
        self.modified = True

    @property
    def user_id(self) -> str | None:
        """The user who is logged in; None for an anonymous session."""
        return self._used_state().user_id

    @property
    def id(self) -> str | None:
        """Its id in ``sessions_of``: 43 characters, not a secret; None if it has no row.

        After ``login``, ``confirm_login`` or ``rotate`` it is another from the next save on, which
        the start of the response is too.
        """
        row = self._used_state().row
        return row.session_id if row else None

    @property
    def is_new(self) -> bool:
        """Whether it has no row yet."""
        return self._used_state().row is None

    @property
    def has_device_proof(self) -> bool:
        """Whether it is bound to a device, and this request came with that device's proof.

        False if the browser does not support DBSC; see ``sessions.device_bound``. For steps that
        need more than a cookie:

            if not session.has_device_proof: ...  # ask for a code by mail, for example
        """
        self._used()
        return self._request_session.device_check.is_proven

    @property
    def end_reason(self) -> EndReason | None:
        """Why the session that the cookie led to was ended elsewhere; None if that is not known.

        ``"login_elsewhere"``: its user logged in once more, and had as many sessions as the option
        ``max_sessions_per_user`` allows. It is known until the session would have expired, or until
        another one begins. ``"replaced"``: a login of this browser replaced it a moment ago.
        """
        return self._used_state().end_reason

    @property
    def seconds_left(self) -> int | None:
        """The seconds until it is over if it is not used again, such as 3_600; None without a row.

        Counted from when the request came. This request is a use, unless it calls ``leave_idle``.
        """
        return self._used_state().seconds_left(self._request_session.config.timeouts)

    def leave_idle(self) -> None:
        """Do not count this request as a use: the idle timeout keeps running.

        For a page that polls how long the session still lives, to warn its user:

            session.leave_idle()
            return {"seconds_left": session.seconds_left}

        A request that changes the session is always a use.
        """
        self._request_session.state.is_use = False

    @property
    def credential(self) -> Literal["cookie", "bearer"] | None:
        """The credential that led to it: ``"cookie"``, ``"bearer"`` (a header), or None.

        A browser sends a cookie by itself, and a header never. So an application with a CSRF check
        of its own need not check requests with ``"bearer"``.
        """
        self._used()
        found_by = self._request_session.found_by
        if found_by is CredentialKind.BEARER:
            return "bearer"
        return "cookie" if found_by is CredentialKind.COOKIE else None

    def require_user(self) -> str:
        """The user who is logged in, for a page or a call that needs one.

            user_id = session.require_user()

        Raises:
            AuthenticationRequired: nobody is logged in; the middleware answers 401 with the
                challenge of RFC 6750.
        """
        user_id = self.user_id
        if user_id is None:
            invalid = self._request_session.brought_invalid_token
            raise AuthenticationRequired("invalid_token" if invalid else None)
        return user_id

    def _has_changed(self) -> bool:
        state = self._request_session.state
        return has_changed(state, state.data.changes())

    # Freshness

    @property
    def authenticated_at(self) -> int | None:
        """The epoch second of its user's last authentication, such as 1_800_000_000, or None.

        Set when a ``login`` or ``confirm_login`` is saved, and kept when the id is rotated.
        """
        return freshness.authenticated_at(self._used_state())

    def confirm_login(self, user_id: str) -> None:
        """Record that its user has just authenticated again, and give it a new id.

        Unlike ``login`` it keeps the session's values, CSRF tokens and lifetime, and requests with
        the old id find the session for 20 more seconds.

        Args:
            user_id: the user whom the application has authenticated; it must be the session's user.

        Raises:
            ValueError: it is another user, or nobody is logged in.
            SessionNotSaved: the response has started.
            StoreUnavailable: the session could not be read, so its user is not known.
        """
        self._used()
        self._request_session.confirm_login(user_id)

    def require_fresh(self, seconds: int) -> None:
        """Check that the user authenticated less than ``seconds`` ago.

            session.require_fresh(300)  # before an address is changed or an account deleted

        Args:
            seconds: the age that the authentication must be below.

        Raises:
            ReauthenticationRequired: it is older, or nobody is logged in; the middleware answers
                401 with the challenge of RFC 9470.
            TypeError, ValueError: ``seconds`` is not an int of at least 1.
        """
        freshness.require_fresh(self._used_state(), seconds)

    # Login, rotation, logout, save

    def login(
        self,
        user_id: str,
        *,
        device: str | None = None,
        idle: int | None = None,
        lifetime: int | None = None,
        persistent: bool | None = None,
    ) -> None:
        """Log a user in: the session becomes theirs, with a new id; the old id is invalid at once.

        The values of an anonymous session are kept, those of another user's session are dropped.
        For 20 seconds, a request that was under way with the old id gets an empty session; it can
        save nothing in it and sets no cookie. A second login of the same user in that time, as by a
        double click, keeps the values too.

        Args:
            user_id: the user whom the application has authenticated, such as ``"user-456"``.
            device: the device's name in ``sessions_of``, such as ``"Firefox on Linux"`` or the
                request's User-Agent; cut to 256 characters, and None if it is empty.
            idle: this session's idle timeout in seconds, at most the option ``max_idle``; None for
                the option ``idle``.
            lifetime: its lifetime in seconds, at most the option ``max_lifetime``; None for the
                option ``lifetime``.
            persistent: whether its cookie outlives the browser's own session ("remember me"); None
                for the option ``persistent``.

        The session keeps what was chosen when its id is rotated. If the client sends its token in
        a header, call ``issue_token()`` afterwards.

        Raises:
            TypeError, ValueError: the user's id is invalid, the device is not a str, or a timeout
                is above the configured maximum.
            SessionNotSaved: the response has started.
        """
        state, timeouts = self._used_state(), self._request_session.config.timeouts
        state.login(user_id, device, lifetime=timeouts.chosen(idle, lifetime, persistent))

    def rotate(self) -> None:
        """Give it a new id. The old one leads to it for 20 more seconds, for requests under way.

        Without effect if it has no row yet: it gets a new id with its row.

        Raises:
            SessionNotSaved: the response has started.
        """
        self._used_state().rotate()

    def logout(self) -> None:
        """End it: delete its row and clear the cookie. A value set later begins another session."""
        self._used()
        self._request_session.logout()

    async def load_async(self) -> Self:
        """Read it now, if the middleware has ``lazy=True``; otherwise it has been read.

            session = await session_of(request).load_async()

        Raises:
            StoreUnavailable: it can't be read, and ``on_outage`` is ``"raise"``.
        """
        session = self._request_session
        await session.driver.run_async(load_awaited(session))
        return self

    def save(self) -> None:
        """Save changes now: for streams and websockets, whose response has started.

        Before that, for a page that is to answer a failure itself: what this has raised is not
        raised again when the response starts.

        Raises:
            SessionNotSaved: the change needs a cookie, and the response has started.
            SessionRevoked, SessionConflict, SessionTooLarge, StoreUnavailable: it was not saved.
            RuntimeError: an event loop serves the request, and this was called in it.
        """
        session = self._request_session
        session.driver.require_may_block("save")
        session.driver.run(save(session))

    async def save_async(self) -> None:
        """Save changes now, in an event loop; see ``save``."""
        await self._request_session.driver.run_async(save(self._request_session))

    def issue_token(self) -> str:
        """Save changes now, and return the token with which the client sends the session.

        For a client that keeps no cookies and sends ``Authorization: Bearer <token>``:

            session.login("user-456")
            return {"token": session.issue_token()}

        The middleware needs ``bearer=True``. Call it after each ``login``, ``confirm_login`` or
        ``rotate`` of such a session, since each gives it a new token. Otherwise the response raises
        SessionNotSaved, and nothing is saved. The response sets no cookie, and has
        ``Cache-Control: private, no-store``.

        Returns:
            the token, which the client must keep secret. A token that is valid already is returned
            unchanged.

        Raises:
            SessionNotSaved: the request has a cookie of the session's; or the response has started;
                or there is nothing to save, and so no session.
            SessionConflict: another request gave the session a new id meanwhile, and has its token.
            RuntimeError: ``bearer`` is False; or it was called in an event loop, as for ``save``.
            SessionRevoked, SessionTooLarge, StoreUnavailable, TooManySessions: it was not saved.
        """
        return self._run("issue_token", issue_token(self._request_session))

    async def issue_token_async(self) -> str:
        """Save, and return the token, in an event loop; see ``issue_token``."""
        return await self._run_async(issue_token(self._request_session))

    # Long requests

    def still_valid(self) -> bool:
        """Whether the session has not been ended by a logout, a revocation, a timeout or a login.

        For a stream or a websocket that is open for long. It costs one read, which does not count
        as a use. A rotated session is still valid, and so is one that never began.

            while session.still_valid(): ...

        Raises:
            StoreUnavailable: the store did not answer, so that is not known.
            RuntimeError: it was called in an event loop, as for ``save``.
        """
        return self._run("still_valid", still_valid(self._request_session))

    async def still_valid_async(self) -> bool:
        """Whether it has not ended, in an event loop; see ``still_valid``."""
        return await self._run_async(still_valid(self._request_session))

    def reload(self) -> None:
        """Read it again, to see what other requests changed.

        It costs one read, which does not count as a use. If the session has ended, it is empty and
        without a user from then on. Changes that ``save`` has raised an error for are dropped, so
        that after a SessionConflict they can be made anew.

        Raises:
            SessionNotSaved: it has changes that are not saved yet, and no save of them failed.
            SessionRevoked: it has ended, and the options have ``on_revoked="raise"``.
            StoreUnavailable: the store did not answer.
            RuntimeError: it was called in an event loop, as for ``save``.
        """
        self._run("reload", reload(self._request_session))

    async def reload_async(self) -> None:
        """Read it again, in an event loop; see ``reload``."""
        await self._run_async(reload(self._request_session))

    # Flash messages and CSRF tokens

    def flash(self, message: str, category: str = "info") -> None:
        """Leave a message for the next page: ``session.flash("Saved", "info")``.

        Raises:
            TypeError, ValueError: the message or its category is not a str, or has surrogates.
        """
        require_text("session.flash(): message", message)
        require_text("session.flash(): category", category)
        leave(self._used(), FLASH_PREFIX, [message, category])

    def flashes(self) -> list[Flash]:
        """The messages left for this page; each is returned once."""
        return [Flash(*pair) for pair in take_all(self._used(), FLASH_PREFIX)]

    def csrf_token(self) -> str:
        """A CSRF token for a form, different each time. A login makes all earlier tokens invalid.

        If the session has a row, nothing is written for it.
        """
        values = self._used()
        with values.lock:  # two threads get tokens of one secret
            secret = self._request_session.state.csrf_secret()
            if secret is None:
                secret = values[csrf.CSRF] = csrf.new_secret()
        return csrf.masked(secret)

    def is_csrf_token(self, token: object) -> bool:
        """Whether a form's token is one of this session's.

        Always True if a header led to the session: a browser never sends one by itself, so its
        requests can't be forged.
        """
        self._used()
        if self._request_session.found_by is CredentialKind.BEARER:
            return True
        secret = self._request_session.state.csrf_secret()
        return secret is not None and csrf.is_of(secret, token)

    def _run(self, method: str, flow: Flow[T]) -> T:
        """Run the flow of a blocking method on the loaded session, which is a use of it."""
        driver = self._request_session.driver
        driver.require_may_block(method)
        self._used()
        return driver.run(flow)

    async def _run_async(self, flow: Flow[T]) -> T:
        """The same in an event loop."""
        session = self._request_session
        session.accessed = True
        await session.driver.run_async(load_session(session))
        return await session.driver.run_async(flow)
