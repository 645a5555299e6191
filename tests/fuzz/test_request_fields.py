"""Whatever a client sends in its request, the middlewares answer it, and raise nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from ratelimit_ddb import MemoryStore, asgi, wsgi
from ratelimit_ddb.web import Rule, bearer_claim, client_address, cookie, header
from ratelimit_ddb.web.response.accept import preferred
from sessions import MemorySessionStore
from sessions import asgi as sessions_asgi
from sessions import wsgi as sessions_wsgi

SECRET = "secret-of-at-least-32-bytes-for-tests"
OFFERED = ["application/problem+json", "text/html", "text/plain"]

pieces = st.sampled_from(
    [
        *(
            "sid",
            "sid=",
            "__Host-session=",
            "a" * 43,
            ".",
            "; ",
            ";",
            "=",
            '"',
            "\\",
            "\\163",
            "%",
            "%3B",
        ),
        *(
            ",",
            " ",
            "\t",
            "\xa0",
            "\x85",
            "\xff",
            "\xc3\xa9",
            "é",
            "$Version=1",
            "expires=",
            "\x00",
            "\n",
        ),
        *(
            "for=",
            'for="',
            "[::1]",
            "[::ffff:1.2.3.4%eth0]:80",
            "1.2.3.4",
            ":",
            "/",
            "unknown",
            "_x",
        ),
        *(
            "Bearer ",
            "Basic ",
            "Basic =",
            "bearer",
            "YQ==",
            "-_",
            "text/html",
            "*/*",
            ";q=",
            "q=1.000",
        ),
        *("0.5", "nan", "inf", "1e9", "application/*", "GET", "Host", "http://", "//", "?", "#"),
    ]
)
octets = st.lists(pieces, max_size=12).map("".join) | st.text(
    st.characters(max_codepoint=255), max_size=30
)
"""What a server lets through, and some that it does not; each octet as a character (Latin-1)."""

names = st.sampled_from(
    [
        *("cookie", "accept", "forwarded", "x-forwarded-for", "authorization", "x-api-key"),
        *("proxy-authorization", "x_api_key", "origin", "access-control-request-method", "host"),
    ]
)
fields = st.lists(st.tuples(names, octets), max_size=6)
paths = octets | octets.map(lambda text: "/" + text)


def rules() -> list[Rule]:
    limits = "1000000/second"
    return [
        Rule("/*", limits, by=client_address(trusted=["0.0.0.0/0", "::/0", "unix"]), name="xff"),
        Rule("/*", limits, by=client_address(trusted_hops=4, field="forwarded"), name="forwarded"),
        Rule("/*", limits, by=cookie("sid"), name="cookie"),
        Rule("/*", limits, by=cookie("__Host-session", digest=False), name="plain"),
        Rule("/*", limits, by=header("authorization"), name="authorization"),
        Rule("/*", limits, by=header("x-api-key", digest=False), name="key"),
        Rule("/*", limits, by=bearer_claim("sub", claims=lambda token: {"sub": token}), name="sub"),
        Rule("/{a}-{b:int}/{rest:path}/edit", limits, by=cookie("sid"), name="path"),
        # Denies from the second request on, so that answers are made too.
        Rule("/*", "1/hour", by=client_address(), name="denies"),
    ]


async def answer(scope: Any, receive: Any, send: Any) -> None:
    session = scope["session"]
    session["seen"] = session.get("seen", 0) + 1
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def answer_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    session = environ["sessions.session"]
    session["seen"] = session.get("seen", 0) + 1
    start_response("200 OK", [])
    return [b""]


ASGI = asgi.RateLimitMiddleware(
    sessions_asgi.SessionMiddleware(answer, MemorySessionStore(), secret=SECRET),
    store=MemoryStore(),
    rules=rules(),
)
WSGI = wsgi.RateLimitMiddleware(
    sessions_wsgi.SessionMiddleware(answer_wsgi, MemorySessionStore(), secret=SECRET),
    store=MemoryStore(),
    rules=rules(),
)


async def asked(scope: dict[str, Any]) -> list[Any]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await ASGI(scope, receive, send)
    return sent


@given(fields, paths, octets, st.none() | st.tuples(octets, st.just(1)), octets)
@example([("cookie", '="'), ("cookie", "sid=")], "http://[", "", None, "/")
def test_any_request_over_asgi_is_answered(
    sent: list[tuple[str, str]], path: str, root_path: str, client: Any, method: str
) -> None:
    scope = {
        "type": "http",
        "method": method,
        "path": path.encode("latin-1").decode("utf-8", "replace"),
        "raw_path": path.encode("latin-1"),
        "root_path": root_path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent],
        "client": client,
    }
    messages = asyncio.run(asked(scope))
    assert messages[0]["status"] in (200, 429)


@given(fields, paths, octets, octets, octets)
def test_any_request_over_wsgi_is_answered(
    sent: list[tuple[str, str]], path: str, script_name: str, client: str, method: str
) -> None:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": script_name,
        "REMOTE_ADDR": client,
        "wsgi.url_scheme": "http",
    }
    for name, value in sent:
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    statuses: list[str] = []

    def start_response(status: str, *_: Any) -> Any:
        statuses.append(status)

    b"".join(WSGI(environ, start_response))
    assert statuses[0][:3] in ("200", "429")


@given(octets | st.text(max_size=600))
def test_any_accept_prefers_something_that_is_offered(accept: str) -> None:
    assert preferred(accept, OFFERED) in OFFERED
