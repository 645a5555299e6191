"""Rate limits in front of a WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Unpack

from ratelimit_ddb.operations.store import Store
from ratelimit_ddb.web.gate.gate import Gate
from ratelimit_ddb.web.gate.options import GateOptions, shows_options
from ratelimit_ddb.web.request import of_environ
from ratelimit_ddb.web.rules.rule_set import RulesLike

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from ratelimit_ddb.web.gate.ledger import Ledger

__all__ = ["RateLimitMiddleware"]


class RateLimitMiddleware:
    """Answers 429 to requests over a limit, and adds to the others what is left.

    The limits' fields are added where the application starts its response. The server gets the
    application's own iterable, so streaming, ``write`` and ``wsgi.file_wrapper`` stay as they were.

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
            return self._app(environ, start_response)
        start_response(answer.status_line, list(answer.headers))
        return [answer.body]


def _adding(ledger: Ledger, start_response: StartResponse) -> StartResponse:
    def adding(
        status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        return start_response(status, [*headers, *ledger.fields()], exc_info)

    return adding
