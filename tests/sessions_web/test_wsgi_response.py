"""Over WSGI: start_response, write and close, in every order that applications call them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.validate import validator

import pytest

from sessions import SessionNotSaved, StoreUnavailable
from sessions.wsgi import SESSION, SessionMiddleware
from tests.sessions_web.exchange import Request, over_wsgi
from tests.sessions_web.site import Site, Visitor, put, site_over
from tests.sessions_web.wsgi_calls import OK, TEXT, Body, called, fields, served


@pytest.fixture
def site() -> Site:
    return site_over("wsgi")


@pytest.fixture
def visitor(site: Site) -> Visitor:
    """Someone who has a session."""
    visitor = site.visitor()
    visitor.visit(put(a=1))
    site.log.clear()
    return visitor


def error_info() -> Any:
    """What ``sys.exc_info()`` gives an application that handles its own error."""
    try:
        raise LookupError("the application's own")  # noqa: TRY301 - it has to be raised
    except LookupError:
        return sys.exc_info()


def test_write_commits_before_its_first_byte(site: Site, visitor: Visitor) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        write = start_response(OK, TEXT)
        environ[SESSION].login("ada")
        write(b"a")
        write(b"b")
        return [b"c"]

    server = served(site, app, visitor)
    assert site.log == ["Find", "Replace", "start", "body a", "body b", "body c"]
    assert "set-cookie" in fields(server)


BODIES: dict[str, Callable[[], Any]] = {
    "an empty list": list,
    "a list": lambda: [b"b"],
    "an empty iterable": lambda: Body([]),
    "an iterable": lambda: Body([b"b"]),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_change_after_write_is_told(
    site: Site, visitor: Visitor, body: Callable[[], Any]
) -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response(OK, TEXT)(b"a")
        environ[SESSION]["late"] = True
        return body()

    with pytest.raises(SessionNotSaved):
        served(site, app, visitor)


def test_the_last_start_before_the_first_byte_counts(site: Site, visitor: Visitor) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response(OK, TEXT)
        start_response("500 Oops", [("X-Own", "1")], error_info())
        environ[SESSION]["b"] = 2
        return [b"oops"]

    server = served(site, app, visitor)
    assert server.started == [("500 Oops", [("X-Own", "1"), ("vary", "Cookie")])]
    assert site.log == ["Find", "Save", "start", "body oops"]


def test_a_start_after_the_first_byte_raises_what_went_wrong(site: Site, visitor: Visitor) -> None:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response(OK, TEXT)
        yield b"first"
        start_response("500 Oops", [], error_info())

    with pytest.raises(LookupError, match="the application's own"):
        served(site, app, visitor)
    assert site.log == ["start", "body first"]


def test_a_second_start_without_an_error_is_refused(site: Site, visitor: Visitor) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        start_response(OK, TEXT)
        start_response("404 Not Found", TEXT)
        return []

    with pytest.raises(AssertionError, match="start_response"):
        served(site, app, visitor)


def test_an_application_that_never_starts_its_response_is_the_servers_to_tell(
    site: Site, visitor: Visitor
) -> None:
    for body in ([b"x"], Body([b"x"])):

        def app(environ: Any, start_response: Any, body: Any = body) -> Any:
            environ[SESSION]["b"] = 2
            return body

        with pytest.raises(AssertionError, match="before start_response"):
            served(site, app, visitor)
    assert site.writes == []


def broken(when: str, body: Body) -> Any:
    def pieces() -> Iterator[bytes]:
        if when == "before":
            raise LookupError("the application's own")
        yield b"first"
        if when == "after":
            raise LookupError("the application's own")

    body.pieces = pieces()

    def app(environ: Any, start_response: Any) -> Body:
        environ[SESSION]["b"] = 2
        start_response(OK, TEXT)
        return body

    return app


@pytest.mark.parametrize(
    ("when", "log"),
    [
        ("before", ["Find"]),
        ("after", ["Find", "Save", "start", "body first"]),
        ("never", ["Find", "Save", "start", "body first"]),
    ],
)
def test_the_applications_body_is_closed_once_whatever_happens(
    site: Site, visitor: Visitor, when: str, log: list[str]
) -> None:
    body = Body([])
    app = broken(when, body)
    if when == "never":
        served(site, app, visitor)
    else:
        with pytest.raises(LookupError):
            served(site, app, visitor)
    assert (body.closed, site.log) == (1, log)


def test_the_body_is_closed_when_the_client_left(site: Site, visitor: Visitor) -> None:
    body = Body([b"a", b"b"])

    def app(environ: Any, start_response: Any) -> Body:
        start_response(OK, TEXT)
        return body

    outer = called(site, app, visitor)
    next(iter(outer))
    outer.close()
    assert body.closed == 1


@pytest.mark.parametrize("kind", ["iterable", "file"])
def test_the_body_is_closed_when_the_commit_fails(site: Site, visitor: Visitor, kind: str) -> None:
    site.store.failures["Save"] = StoreUnavailable("no answer")
    body = Body([b"a"])

    def app(environ: Any, start_response: Any) -> Body:
        environ[SESSION]["b"] = 2
        start_response(OK, TEXT)
        return body

    wrapper = {"wsgi.file_wrapper": Body} if kind == "file" else {}
    with pytest.raises(StoreUnavailable):
        served(site, app, visitor, **wrapper)
    assert body.closed == 1
    assert site.log == ["Find", "Save"]


def test_a_change_while_the_body_is_closed_is_told(site: Site, visitor: Visitor) -> None:
    class Changing(Body):
        session: Any = None

        def close(self) -> None:
            self.session["late"] = True

    body = Changing([b"a"])

    def app(environ: Any, start_response: Any) -> Body:
        body.session = environ[SESSION]
        start_response(OK, TEXT)
        return body

    with pytest.raises(SessionNotSaved):
        served(site, app, visitor)


def test_the_middleware_is_valid_to_the_server_and_to_the_application(
    site: Site, visitor: Visitor
) -> None:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        environ[SESSION]["b"] = 2
        start_response(OK, TEXT)(b"a")
        return iter([b"b"])

    request = Request(headers=(("Cookie", visitor.cookie),))
    middleware = SessionMiddleware(validator(app), site.store)
    assert over_wsgi(middleware, request, []).body == b"ab"
