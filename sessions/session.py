"""The session as an application holds it: whose it is, and what can be done with it.

Its values are in ``session_mapping.py``; what only those who load and save it need, in
``request_session.py``.
"""

from __future__ import annotations

from typing import Literal, Self

from sessions import freshness
from sessions.arguments import require_text
from sessions.credential import CredentialKind
from sessions.end_reason import EndReason
from sessions.errors import AuthenticationRequired
from sessions.operations.operation import Flow, T
from sessions.session_mapping import SessionMapping
from sessions.values import csrf
from sessions.values.flash import FLASH_PREFIX, Flash, leave, take_all


class Session(SessionMapping):
    """One user's session in one request.

    A MutableMapping of JSON values by str keys; changes inside lists and dicts are noticed.
    Any use of it, reading too, sets ``accessed``, and the response says ``Vary: Cookie``.

        session["cart"] = [17]
        session["cart"].append(18)  # saved too
        session.login("user-456", device="Firefox on Linux")

    The names below give way to keys that the application has set: where there is a
    ``session["user_id"]``, ``{{ session.user_id }}`` in a template is its value, and in Python
    ``session.user_id`` raises AttributeError rather than guess. ``session_of(session)`` is the same
    session, whose names are never hidden. Methods of a dict, such as ``items``, stay what they are.

    Args:
        request_session: the request's.
        names_give_way: whether its names give way to keys.

    Attributes:
        accessed: whether the application used it.
    """

    __slots__ = ()

    def clear(self) -> None:
        """End it, as ``logout`` does: a session without its values is nobody's any more.

        What is set later begins another session, under another id.
        """
        self._used()
        self._request_session.logout()

    # Whose it is

    @property
    def accessed(self) -> bool:
        """Whether the application used it."""
        return self._request_session.accessed

    @property
    def modified(self) -> bool:
        """Whether there is anything to save. Changes inside lists and dicts count by themselves.

        Starlette's and Flask's users set it after such a change; here that does nothing more.

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
        """The same as ``modified = True``, as Starlette's own session has it."""
        self.modified = True

    @property
    def user_id(self) -> str | None:
        """The user who is logged in; None for an anonymous session."""
        return self._used_state().user_id

    @property
    def id(self) -> str | None:
        """Its id in ``sessions_of``, of 43 characters; None if it has no row. No secret."""
        row = self._used_state().row
        return row.session_id if row else None

    @property
    def is_new(self) -> bool:
        """Whether it has no row yet."""
        return self._used_state().row is None

    @property
    def has_device_proof(self) -> bool:
        """Whether it is bound to a device, and this request came with that device's proof.

        False where the browser has no DBSC: see ``sessions.device_bound``. For steps that need it:

            if not session.has_device_proof: ...  # a code by mail, say
        """
        self._used()
        return self._request_session.device_check.is_proven

    @property
    def end_reason(self) -> EndReason | None:
        """Why the session that the cookie led to was ended elsewhere; None where that is not known.

        ``"login_elsewhere"``: its user logged in once more, and had as many sessions as the option
        ``max_sessions_per_user`` allows. It is told until the session would have been over, or
        another is begun. ``"replaced"``: a login of this browser took its place a moment ago.
        """
        return self._used_state().end_reason

    @property
    def seconds_left(self) -> int | None:
        """For how many seconds it lives if it is not used again, such as 3_600; None without a row.

        As of when the request came. This request is a use of it, unless ``leave_idle`` says not.
        """
        return self._used_state().seconds_left(self._request_session.config.timeouts)

    def leave_idle(self) -> None:
        """Let this request be no use of it, so that its idle time runs on.

        For a page that asks again and again how long the session lives still, to warn its user:

            session.leave_idle()
            return {"seconds_left": session.seconds_left}

        A change of it is a use all the same.
        """
        self._request_session.state.is_use = False

    @property
    def credential(self) -> Literal["cookie", "bearer"] | None:
        """What of the request led to it: ``"cookie"``, ``"bearer"`` (its header), or None.

        Only a cookie is sent by a browser without being asked, so an application that checks
        requests against forgery by means of its own need not check those with ``"bearer"``.
        """
        self._used()
        found_by = self._request_session.found_by
        if found_by is CredentialKind.BEARER:
            return "bearer"
        return "cookie" if found_by is CredentialKind.COOKIE else None

    def require_user(self) -> str:
        """The user who is logged in, for a page or a call that is of no use to others.

            user_id = session.require_user()

        Raises:
            AuthenticationRequired: nobody is; the middleware answers 401 with the challenge of
                RFC 6750.
        """
        user_id = self.user_id
        if user_id is None:
            invalid = self._request_session.brought_invalid_token
            raise AuthenticationRequired("invalid_token" if invalid else None)
        return user_id

    def _has_changed(self) -> bool:
        return self._request_session.state.has_changed()

    # Freshness

    @property
    def authenticated_at(self) -> int | None:
        """The epoch second of its user's last proof, such as 1_800_000_000; None without one.

        Noted at each login and ``confirm_login`` when it is saved, and kept over rotations.
        """
        return freshness.authenticated_at(self._used_state())

    def confirm_login(self, user_id: str) -> None:
        """Note that its user has just proved again who they are, under a new id.

        Unlike ``login`` it goes on: with its values, its forms and its lifetime, and requests that
        come with the old id find it for 20 more seconds.

        Args:
            user_id: whom the application has authenticated: the session's own user.

        Raises:
            ValueError: that is another one, or nobody is logged in.
            SessionNotSaved: the response has started.
            StoreUnavailable: the session could not be read, so it is not known who is.
        """
        self._used()
        self._request_session.confirm_login(user_id)

    def require_fresh(self, seconds: int) -> None:
        """Check, before a step that needs it, that the user's last proof was lately enough.

            session.require_fresh(300)  # before an address is changed or an account deleted

        Args:
            seconds: less than so many ago.

        Raises:
            ReauthenticationRequired: it was not, or nobody is logged in; the middleware answers 401
                with the challenge of RFC 9470.
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
        """Make it the session of a user, under a new id; the old id is invalid at once.

        The values of an anonymous session are kept, those of another user's are dropped. For 20
        seconds, a request that was under way with the old id gets an empty session, and can neither
        save anything in it nor set a cookie; but a second login of the same user, as by a double
        click, has the values too.

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

        What was chosen stays the session's, under each of its ids. Where the client sends a token
        in a header, ``issue_token()`` must follow.

        Raises:
            TypeError, ValueError: the user's id is invalid, the device is no str, or a timeout is
                more than the configured most.
            SessionNotSaved: the response has started.
        """
        state, timeouts = self._used_state(), self._request_session.config.timeouts
        state.login(user_id, device, timeouts.chosen(idle, lifetime, persistent))

    def rotate(self) -> None:
        """Give it a new id; the old one leads to it for 20 more seconds, for requests under way.

        A session that has no row yet gets a new id with it.

        Raises:
            SessionNotSaved: the response has started.
        """
        self._used_state().rotate()

    def logout(self) -> None:
        """End it: its row is deleted and the cookie cleared. What is set later begins another."""
        self._used()
        self._request_session.logout()

    async def load_async(self) -> Self:
        """Read it now, where the middleware has ``lazy=True``; elsewhere that is done.

            session = await session_of(request).load_async()

        Raises:
            StoreUnavailable: it can't be read, and ``on_outage`` is ``"raise"``.
        """
        await self._request_session.load_async()
        return self

    def save(self) -> None:
        """Save changes now: for streams and websockets, whose response has started.

        Raises:
            SessionNotSaved: what changed needs a cookie, and the response has started.
            SessionRevoked, SessionConflict, SessionTooLarge, StoreUnavailable: it was not saved.
        """
        self._request_session.run(self._request_session.save())

    async def save_async(self) -> None:
        """Save changes now, in an event loop; see ``save``."""
        await self._request_session.run_async(self._request_session.save())

    def issue_token(self) -> str:
        """Save changes now, and return the token by which the client is to send the session.

        For a client that keeps no cookies, and sends ``Authorization: Bearer <token>``:

            session.login("user-456")
            return {"token": session.issue_token()}

        The middleware needs ``bearer=True``. Call it after each ``login``, ``confirm_login`` or
        ``rotate`` of such a session, which gets a new token by that; without it the response raises
        SessionNotSaved, and nothing is saved. The response sets no cookie, and is not stored.

        Returns:
            the token, which the client is to keep as a secret. One that is valid already is
            returned as it is.

        Raises:
            SessionNotSaved: a cookie of the session's came with the request; or the response has
                started; or there is nothing to save, and so no session.
            SessionConflict: another request gave it a new id meanwhile, and has its token.
            RuntimeError: ``bearer`` is False.
            SessionRevoked, SessionTooLarge, StoreUnavailable, TooManySessions: it was not saved.
        """
        return self._run(self._request_session.issue_token())

    async def issue_token_async(self) -> str:
        """Save, and return the token, in an event loop; see ``issue_token``."""
        return await self._run_async(self._request_session.issue_token())

    # Long requests

    def still_valid(self) -> bool:
        """Whether the session has not ended: by a logout, a revocation, its timeouts, or a login.

        For a stream or a websocket that is open for long; one read, which is no use of the session.
        A session that was rotated is still valid. One that never began has not ended either.

            while session.still_valid(): ...

        Raises:
            StoreUnavailable: that is not known.
        """
        return self._run(self._request_session.still_valid())

    async def still_valid_async(self) -> bool:
        """Whether it has not ended, asked in an event loop; see ``still_valid``."""
        return await self._run_async(self._request_session.still_valid())

    def reload(self) -> None:
        """Read it again, to see what other requests made of it; one read, which is no use of it.

        If it has ended, it is an empty session from then on, of nobody.

        Raises:
            SessionNotSaved: it was changed, and that is not saved yet.
            SessionRevoked: it has ended, and the options have ``on_revoked="raise"``.
            StoreUnavailable: it was not read.
        """
        self._run(self._request_session.reload())

    async def reload_async(self) -> None:
        """Read it again, in an event loop; see ``reload``."""
        await self._run_async(self._request_session.reload())

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
        """The messages that were left; each is returned once."""
        return [Flash(*pair) for pair in take_all(self._used(), FLASH_PREFIX)]

    def csrf_token(self) -> str:
        """A token for a form, different each time; a login makes all tokens before it invalid.

        Of a session that is there already nothing is written for it.
        """
        values = self._used()
        secret = self._request_session.state.csrf_secret()
        if secret is None:
            secret = values[csrf.CSRF] = csrf.new_secret()
        return csrf.masked(secret)

    def is_csrf_token(self, token: object) -> bool:
        """Whether a form's token is one of this session's.

        Of a session that a header led to everything is: no browser sends one without being asked,
        so nobody can forge its requests.
        """
        self._used()
        if self._request_session.found_by is CredentialKind.BEARER:
            return True
        secret = self._request_session.state.csrf_secret()
        return secret is not None and csrf.is_of(secret, token)

    def _run(self, flow: Flow[T]) -> T:
        """Run a flow of the loaded session, which is a use of it."""
        self._request_session.accessed = True
        self._request_session.load()
        return self._request_session.run(flow)

    async def _run_async(self, flow: Flow[T]) -> T:
        """The same in an event loop."""
        self._request_session.accessed = True
        await self._request_session.load_async()
        return await self._request_session.run_async(flow)
