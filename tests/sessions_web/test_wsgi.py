"""Over WSGI: laziness, and every kind of body that an application may give (PEP 3333)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from wsgiref.util import FileWrapper

import pytest

from sessions import SessionNotSaved, StoreUnavailable
from sessions.wsgi import SESSION
from tests.sessions_web.site import Site, Visitor, everything, nothing, put, site_over
from tests.sessions_web.wsgi_calls import OK, TEXT, called, fields, served


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


# Laziness


def test_nothing_is_read_until_the_session_is_used(site: Site, visitor: Visitor) -> None:
    visitor.visit(nothing)
    visitor.visit(nothing, nothing)
    visitor.visit(repr)
    assert site.calls == []
    visitor.visit(lambda session: [len(session), "a" in session, session.user_id, dict(session)])
    assert site.calls == ["Find"]


def test_a_session_that_is_not_used_costs_nothing_while_the_store_is_down(
    site: Site, visitor: Visitor
) -> None:
    site.store.failures["Find"] = StoreUnavailable("no answer")
    assert visitor.visit(nothing).status == 200


def test_a_session_may_be_used_first_in_the_middle_of_a_stream(
    site: Site, visitor: Visitor
) -> None:
    assert visitor.visit(nothing, everything).body == b'null{"a": 1}'
    assert site.log == ["start", "body null", "Find", 'body {"a": 1}']
    with pytest.raises(SessionNotSaved):
        visitor.visit(nothing, put(b=2))


# Bodies


def test_a_list_is_handed_through_untouched(site: Site, visitor: Visitor) -> None:
    for given in ([b"a", b"b"], (b"a",), [], [b""]):

        def app(environ: Any, start_response: Any, given: Any = given) -> Any:
            environ[SESSION]["b"] = len(given)
            start_response(OK, TEXT)
            return given

        site.log.clear()
        assert called(site, app, visitor) is given
        assert site.log == ["Find", "Save", "start"]


@pytest.mark.parametrize("wrapped", ["by a class", "by a subclass"])
def test_a_file_is_handed_through_untouched(site: Site, visitor: Visitor, wrapped: str) -> None:
    class Wrapper(FileWrapper): ...

    body = (FileWrapper if wrapped == "by a class" else Wrapper)(io.BytesIO(b"content"))

    def app(environ: Any, start_response: Any) -> Any:
        environ[SESSION]["b"] = 2
        start_response(OK, TEXT)
        return body

    given = {"wsgi.file_wrapper": FileWrapper}
    assert called(site, app, visitor, **given) is body
    assert site.log == ["Find", "Save", "start"]
    body.close()


def test_a_file_is_handed_through_untouched_where_a_function_wraps_it(
    site: Site, visitor: Visitor
) -> None:
    made: list[Any] = []

    def wrapper(file: Any, block_size: int = 8192) -> Any:
        made.append(FileWrapper(file, block_size))
        return made[-1]

    def app(environ: Any, start_response: Any) -> Any:
        start_response(OK, TEXT)
        return environ["wsgi.file_wrapper"](io.BytesIO(b"content"))

    body = called(site, app, visitor, **{"wsgi.file_wrapper": wrapper})
    assert [body] == made, "or servers such as uWSGI can't send the file themselves"
    body.close()


def test_a_generators_code_before_its_first_piece_counts(site: Site, visitor: Visitor) -> None:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        environ[SESSION]["b"] = 2
        start_response(OK, TEXT)
        environ[SESSION]["c"] = 3
        yield b"first"

    server = served(site, app, visitor)
    assert site.log == ["Find", "Save", "start", "body first"]
    assert "vary" in fields(server)
    assert visitor.visit(everything).value == {"a": 1, "b": 2, "c": 3}


def test_a_generator_without_a_piece_starts_the_response_at_its_end(
    site: Site, visitor: Visitor
) -> None:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("204 No Content", [])
        environ[SESSION].login("ada")
        yield from ()

    assert "set-cookie" in fields(served(site, app, visitor))
    assert site.log == ["Find", "Replace", "start"]


def test_an_empty_piece_starts_the_response_too(site: Site, visitor: Visitor) -> None:
    # PEP 3333: a middleware may hold back neither an empty piece nor the start before it.
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response(OK, TEXT)
        environ[SESSION]["b"] = 2
        yield b""
        yield b"late" if site.log == ["Find", "Save", "start"] else b"early"

    assert served(site, app, visitor).written == [b"", b"late"]


def test_pieces_come_one_by_one(site: Site, visitor: Visitor) -> None:
    asked: list[int] = []

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response(OK, TEXT)
        for number in range(3):
            asked.append(number)
            yield b"%d" % number

    pieces = iter(called(site, app, visitor))
    assert asked == []
    for number in range(3):
        assert next(pieces) == b"%d" % number
        assert asked == list(range(number + 1))
