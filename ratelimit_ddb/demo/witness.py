"""A WSGI layer that changes nothing and tells of every answer that passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class Served(NamedTuple):
    """An answer on its way to a client.

    Attributes:
        client: the address that asked.
        status: the status code.
        retry_after: the field of that name; None where there is none.
    """

    client: str
    status: int
    retry_after: str | None


class Witness:
    """Stands outermost before an application.

    Attributes:
        tell: called with each answer, in the thread that makes it; None for silence.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self.tell: Callable[[Served], None] | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application, and tell of its answer when that starts."""

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
        ) -> Callable[[bytes], object]:
            if self.tell is not None:
                found = {name.lower(): value for name, value in headers}
                self.tell(Served(environ["REMOTE_ADDR"], int(status[:3]), found.get("retry-after")))
            return start_response(status, headers, exc_info)

        return self._app(environ, start)
