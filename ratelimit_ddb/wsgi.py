"""Rate limits in front of a WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self, Unpack

from ddbwire.shared.web_application import Interface, require_application
from ratelimit_ddb.operations.steps import run_steps
from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web.gate.gate import Gate
from ratelimit_ddb.web.gate.ledger import reserved_for
from ratelimit_ddb.web.gate.options import GateOptions, shows_options
from ratelimit_ddb.web.gate.request_reservation import has_failed
from ratelimit_ddb.web.gate.view_denials import give_back_by_denial
from ratelimit_ddb.web.request import of_environ
from ratelimit_ddb.web.response.fields import fields_beside
from ratelimit_ddb.web.response_head import head_of, head_of_exception
from ratelimit_ddb.web.rules.rule_set import RulesLike

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from ratelimit_ddb.web.gate.ledger import Ledger
    from ratelimit_ddb.web.gate.request_reservation import RequestReservation
    from ratelimit_ddb.web.gate.request_slots import RequestSlots

__all__ = ["RateLimitMiddleware"]


RESERVATION = "ratelimit_ddb.reservation"
"""Where the environ of a request that reserved something has its RequestReservation."""


class RateLimitMiddleware:
    """Answers 429 to requests over a limit, and adds to the others what is left.

    The limits' fields are added where the application starts its response. The server gets the
    application's own iterable, so streaming, ``write`` and ``wsgi.file_wrapper`` stay as they were;
    that of a request which reserved something (``Rule(reserves=True)``) or holds a slot
    (``Rule(in_flight=...)``) is in another one.

    Args:
        app: the application.
        store: a DynamoDBStore or a MemoryStore.
        rules: a Rule, several, or a RulesFile.
        options: see ``ratelimit_ddb.web.GateOptions``.

    Raises:
        TypeError, ValueError: an argument is invalid.
    """

    @shows_options(GateOptions)
    def __init__(
        self,
        app: WSGIApplication,
        store: Store,
        rules: RulesLike,
        **options: Unpack[GateOptions],
    ) -> None:
        require_application(app, Interface.WSGI, "ratelimit_ddb")
        self._app = app
        self._gate = Gate(store, rules, options, blocking=True)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Decide, and call the application or answer in its place."""
        # Applications may run after they returned, so what a request noted is left in its environ;
        # in one that is used again it is another request's.
        self._gate.forget(environ)
        answer, ledger, _ = self._gate.admit(of_environ(environ))
        if answer is None:
            if ledger is not None:
                start_response = _adding(ledger, start_response)
            slots = self._gate.slots_of(environ)
            if slots is None:
                return self._call(environ, start_response)
            return _holding(self._call, slots, environ, start_response)
        start_response(answer.status_line, list(answer.headers))
        return [answer.body]

    def _call(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        reservation = reserved_for(environ)
        if reservation is None:
            return self._respond(environ, start_response)
        environ[RESERVATION] = reservation
        return _reserving(self._respond, reservation, environ, start_response)

    def _respond(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._gate.gives_back:
            return self._call_and_respond(environ, start_response)
        return self._app(environ, start_response)

    def _call_and_respond(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Call the application; before its response starts, or where it raises, tell the gate.

        What takes the place of a response that was not sent yet (``exc_info``) changes nothing.
        """
        has_started = False

        def respond_first(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
        ) -> Callable[[bytes], object]:
            nonlocal has_started
            has_started = True
            self._gate.respond(environ, head_of(int(status[:3]), headers))
            return start_response(status, headers, exc_info)

        try:
            parts = self._app(environ, respond_first)
        except Exception as error:
            self._gate.respond(environ, head_of_exception(error))
            raise
        # Servers know files by their type, so what has started is given to them as it is.
        return parts if has_started else _Unstarted(parts, self._gate, environ)


class _Unstarted:
    """The response of an application that runs when it is read, as a generator does."""

    def __init__(self, parts: Iterable[bytes], gate: Gate, environ: WSGIEnvironment) -> None:
        self._parts = parts
        self._next = iter(parts).__next__
        self._gate = gate
        self._environ = environ

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return self._next()
        except StopIteration:
            raise
        except Exception as error:
            self._gate.respond(self._environ, head_of_exception(error))
            raise

    def close(self) -> None:
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()


def _adding(ledger: Ledger, start_response: StartResponse) -> StartResponse:
    def adding(
        status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        if ledger.denied_with and int(status[:3]) in ledger.denied_with:
            run_steps(give_back_by_denial(ledger))
        fields = fields_beside((name for name, _ in headers), ledger.fields())
        return start_response(status, [*headers, *fields], exc_info)

    return adding


def _reserving(
    app: WSGIApplication,
    reservation: RequestReservation,
    environ: WSGIEnvironment,
    start_response: StartResponse,
) -> Iterable[bytes]:
    """Call an application; what comes of it settles the reservation when the server closes it."""
    statuses: list[int] = []

    def noting(
        status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        statuses.append(int(status[:3]))
        return start_response(status, headers, exc_info)

    def end(*, raised: bool) -> None:
        reservation.end(failed=has_failed(statuses[-1] if statuses else None, raised=raised))

    try:
        return _WithEnd(app(environ, noting), end)
    except BaseException as error:
        end(raised=isinstance(error, Exception))
        raise


def _holding(
    app: WSGIApplication,
    slots: RequestSlots,
    environ: WSGIEnvironment,
    start_response: StartResponse,
) -> Iterable[bytes]:
    """Call an application; what comes of it releases the slots when the server closes it."""

    def end(*, raised: bool) -> None:  # noqa: ARG001 - whatever has ended it
        slots.release()

    try:
        return _WithEnd(app(environ, start_response), end)
    except BaseException:
        slots.release()
        raise


class _WithEnd:
    """An application's iterable, after which something is to be done (PEP 3333: ``close``)."""

    def __init__(self, content: Iterable[bytes], end: Callable[..., None]) -> None:
        self._content = content
        self._pieces = iter(content)
        self._end = end
        self._raised = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            raise
        except Exception:
            self._raised = True
            raise

    def close(self) -> None:
        """Close the application's, and do it."""
        try:
            if hasattr(self._content, "close"):
                self._content.close()
        except Exception:
            self._raised = True
            raise
        finally:
            self._end(raised=self._raised)
