"""P15: whatever a framework reads a cookie to be is among the values that are charged."""

from __future__ import annotations

import re
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie

import pytest
from falcon.request_helpers import _parse_cookie_header as falcons
from hypothesis import given
from hypothesis import strategies as st
from litestar._parsers import parse_cookie_string as litestars
from starlette.requests import cookie_parser as starlettes
from werkzeug.sansio.http import parse_cookie as werkzeugs

from ratelimit_ddb.web.identity.readings import of_cookie
from ratelimit_ddb.web.request import of_scope

PERCENT = re.compile("%([0-9a-fA-F]{2})")


def standard_librarys(text: str) -> str | None:
    try:
        found = SimpleCookie(text).get("sid")
    except CookieError:
        return None
    return None if found is None else found.value


READERS: dict[str, Callable[[str], str | None]] = {
    "starlette, django": lambda text: starlettes(text).get("sid"),
    "django over WSGI": lambda text: starlettes(
        text.encode("latin-1").decode("utf-8", "replace")
    ).get("sid"),
    "litestar": lambda text: litestars(text).get("sid"),
    "falcon, first": lambda text: falcons(text).get("sid", [None])[0],
    "falcon, last": lambda text: falcons(text).get("sid", [None])[-1],
    "werkzeug, first": lambda text: werkzeugs(text).get("sid"),
    "werkzeug, last": lambda text: [None, *werkzeugs(text).getlist("sid")][-1],
    "standard library": standard_librarys,
}

# What parsers differ in, again and again; few names and values, so that they meet.
pieces = st.sampled_from(
    [
        *("sid", "sid=", "sid=v", 'sid="v"', "; ", ";", "=", " ", "\t", "\xa0", "\x85", ",", '"'),
        *("\\", "\\166", '\\"', "\\\\", "%76", "%22", "%5C", "%25", "v", "w", "x=", "$Path=", "é"),
        *("\\073", "\\", "sid =", "; sid=w", 'x="', "76", "166", "\x1c", "+", "&"),
        *("\xc2\xa0", "\xe2\x80\x83", "\xff"),  # two white spaces in UTF-8, and what is none
    ]
)
texts = st.lists(pieces, min_size=1, max_size=14).map("".join)


def form(reader: str, read: str) -> str:
    """The form in which a value that was read is charged: it depends on nothing else."""
    if reader != "litestar":  # which has decoded it
        read = PERCENT.sub(lambda found: chr(int(found[1], 16)), read)
    return read.replace('"', "").replace("\\", "").strip()


@pytest.mark.parametrize("reader", READERS)
@given(text=texts)
def test_p15_what_a_framework_reads_is_among_the_values(reader: str, text: str) -> None:
    read = READERS[reader](text)
    scope = {"type": "http", "path": "/", "headers": [(b"cookie", text.encode("latin-1"))]}
    values, more = of_cookie("sid")(of_scope(scope))
    if read is not None and read.isascii() and form(reader, read) and not more:
        assert form(reader, read) in values
