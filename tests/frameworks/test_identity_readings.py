"""P15: whatever a framework takes for the valid credential is limited as the credential alone is.

Every application here serves only who sends the credential, as its framework reads requests. Each
form of a request that it serves, with other junk in every request, is served three times.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.test import override_settings

import tests.frameworks.django_site  # noqa: F401 - sets Django up
from ratelimit_ddb import MemoryStore, asgi, wsgi
from ratelimit_ddb.flask import limit_app
from ratelimit_ddb.web import Rule, bearer_claim, cookie, header
from ratelimit_ddb.web.identity.identity import Identity
from tests.fake_clock import FakeClock
from tests.frameworks import credential_apps as apps
from tests.frameworks.credential_apps import OK, VALID

DENIED = 429
LIMIT = 3
LEAST_SERVED = 20

Fields = list[tuple[str, str]]
Form = Callable[[str], Fields]
"""The header fields of a request, with a junk of its own."""
Ask = Callable[[str, Fields], int]
"""The status for a path and fields, which are written as their octets in Latin-1."""


def keys(*values: str, name: str = "x-api-key") -> Form:
    """Fields of these values, ``J`` standing for the junk."""
    return lambda junk: [(name, value.replace("J", junk)) for value in values]


def cookies(*fields: str) -> Form:
    return keys(*fields, name="cookie")


def tokens(*fields: str) -> Form:
    return keys(*fields, name="authorization")


def octal(chosen: int) -> str:
    """A spelling of the quoted credential, the chosen characters escaped."""
    return "".join(
        f"\\{ord(char):03o}" if chosen >> at & 1 else char for at, char in enumerate(VALID)
    )


def percent(chosen: int) -> str:
    return "".join(
        f"%{ord(char):02X}" if chosen >> at & 1 else char for at, char in enumerate(VALID)
    )


def spelled(spelling: Callable[[int], str], around: str, name: str = "cookie") -> Form:
    """A field in another spelling for each junk, V standing for what is spelled."""

    def form(junk: str) -> Fields:
        return [(name, around.replace("V", spelling(int(junk[1:]) * 37 + 1)))]

    return form


HEADERS: dict[str, Form] = {
    "once": keys(VALID),
    "valid, junk": keys(VALID, "J"),
    "junk, valid": keys("J", VALID),
    "junk, valid, junk": keys("J", VALID, "Jx"),
    "twice": keys(VALID, VALID),
    "valid, empty": keys(VALID, ""),
    "empty, valid": keys("", VALID),
    "valid, much junk": keys(VALID, *[f"J{n}" for n in range(12)]),
    "much junk, valid": keys(*[f"J{n}" for n in range(12)], VALID),
    "with an underscore": keys(VALID, name="x_api_key"),
    "junk with an underscore": lambda junk: [("x_api_key", junk), ("x-api-key", VALID)],
    "valid with an underscore": lambda junk: [("x-api-key", junk), ("X_API-key", VALID)],
    "white space": keys(f" {VALID}\t"),
}

EM_SPACE = "\u2003".encode().decode("latin-1")


def spaced(chosen: int) -> str:
    """The credential in white space, if the field is taken for UTF-8 (Django over WSGI)."""
    return EM_SPACE * (chosen % 7) + VALID + EM_SPACE * (chosen % 5)


COOKIES: dict[str, Form] = {
    "once": cookies(f"sid={VALID}"),
    "valid, junk": cookies(f"sid={VALID}; sid=J"),
    "junk, valid": cookies(f"sid=J; sid={VALID}"),
    "junk, valid, junk": cookies(f"sid=J; sid={VALID}; sid=Jx"),
    "much junk, valid": cookies("".join([f"sid=J{n}; " for n in range(12)]) + f"sid={VALID}"),
    "valid, much junk": cookies(f"sid={VALID}" + "".join([f"; sid=J{n}" for n in range(12)])),
    "quoted": cookies(f'sid="{VALID}"'),
    "quoted, junk": cookies(f'sid="{VALID}"; sid="J"'),
    "junk, quoted": cookies(f'sid="J"; sid="{VALID}"'),
    "octal": spelled(octal, 'sid="V"'),
    "octal, junk": spelled(octal, 'sid="V"; sid=J'),
    "percent": spelled(percent, "sid=V"),
    "percent, quoted": spelled(percent, 'sid="V"'),
    "escaped": cookies('sid="\\' + "\\".join(VALID) + '"'),
    "spaces": cookies(f" \tsid \t=  {VALID} \t; other=J"),
    "other white space, valid": cookies(f"\xa0sid=J; sid={VALID}"),
    "valid, other white space": cookies(f"sid={VALID}; \x85sid=J"),
    "in other white space": cookies(f"sid=J; \xa0sid\x85={VALID}\xa0"),
    "in white space of UTF-8": spelled(spaced, "sid=V"),
    "white space of UTF-8, valid": cookies(f"sid=J; {EM_SPACE}sid={VALID}"),
    "valid, white space of UTF-8": cookies(f"sid={VALID}; sid{EM_SPACE}=J"),
    "no space": cookies(f"a=J;sid={VALID};b=J"),
    "two fields": cookies(f"sid={VALID}", "other=J"),
    "two fields, the other way": cookies("other=J", f"sid={VALID}"),
    "two fields, junk last": cookies(f"a=1; sid={VALID}; b=2", "sid=J; c=3"),
    "two fields, junk first": cookies("c=3; sid=J; d=4", f"a=1; sid={VALID}; b=2"),
    "inside quotes": cookies(f'x="; sid=J; "; sid={VALID}'),
    "inside quotes, the other way": cookies(f'x="; sid={VALID}; "; sid=J'),
    "an open quote": cookies(f'x="; sid={VALID}'),
    "parted by a space": cookies(f"sid=J sid={VALID}"),
    "parted by a space, the other way": cookies(f"sid={VALID} sid=J"),
    "an old attribute": cookies(f'$Version="1"; sid="{VALID}"; $Path="/J"'),
    "a name without a value": cookies(f"sid; sid={VALID}; sid"),
    "empty, valid": cookies(f"sid=; sid={VALID}"),
    "valid, empty": cookies(f"sid={VALID}; sid="),
}

TOKENS: dict[str, Form] = {
    "once": tokens(f"Bearer {VALID}"),
    "valid, junk": tokens(f"Bearer {VALID}", "J"),
    "junk, valid": tokens("J", f"Bearer {VALID}"),
    "valid, another": tokens(f"Bearer {VALID}", "Bearer J"),
    "another, valid": tokens("bearer J", f"BEARER {VALID}"),
    "valid, much junk": tokens(f"Bearer {VALID}", *[f"Bearer J{n}" for n in range(12)]),
    "much junk, valid": tokens(*[f"Bearer J{n}" for n in range(12)], f"Bearer {VALID}"),
    "spaces": tokens(f"bearer   {VALID}"),
    "another case": spelled(
        lambda chosen: "".join(
            char.upper() if chosen >> at & 1 else char for at, char in enumerate("bearer")
        ),
        f"V {VALID}",
        name="authorization",
    ),
    "a list": tokens(f"Bearer {VALID}, Bearer J"),
}

FORMS = {"/header": HEADERS, "/cookie": COOKIES, "/bearer": TOKENS}


def claims(token: str) -> dict[str, str] | None:
    return {"sub": "user-1"} if token == VALID else None


BY_CLAIM = bearer_claim("sub", claims=claims)
BY_FIELD = header("authorization")


def rules(by_token: Identity) -> list[Rule]:
    limits = f"{LIMIT}/hour"
    return [
        Rule("/header", limits, by=header("x-api-key")),
        Rule("/cookie", limits, by=cookie("sid")),
        Rule("/bearer", limits, by=by_token),
    ]


def options(by_token: Identity = BY_CLAIM) -> dict[str, Any]:
    return {"store": MemoryStore(clock=FakeClock()), "rules": rules(by_token)}


def over_asgi(app: Any) -> Ask:
    async def status(path: str, fields: Fields) -> int:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"localhost")]
            + [(name.lower().encode(), value.encode("latin-1")) for name, value in fields],
            "client": ("192.0.2.7", 50_000),
            "server": ("localhost", 80),
        }
        sent: list[Any] = []
        asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Any:
            for message in asked:
                return message
            return await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, send)
        found: int = sent[0]["status"]
        return found

    return lambda path, fields: asyncio.run(status(path, fields))


def over_wsgi(app: Any, joined: Callable[[str, str, str], str]) -> Ask:
    """The same through a server that joins repeated fields in its way: (name, value, value)."""

    def status(path: str, fields: Fields) -> int:
        environ: dict[str, Any] = {"PATH_INFO": path, "SCRIPT_NAME": "", "REQUEST_METHOD": "GET"}
        environ |= {"REMOTE_ADDR": "192.0.2.7", "HTTP_HOST": "localhost"}
        environ["wsgi.input"] = io.BytesIO()
        for name, value in fields:
            key = f"HTTP_{name.upper().replace('-', '_')}"
            bare = value.strip(" \t")
            environ[key] = joined(key, environ[key], bare) if key in environ else bare
        setup_testing_defaults(environ)
        started: list[int] = []
        parts = app(environ, lambda status, fields, exc_info=None: started.append(int(status[:3])))
        for _ in parts:
            pass
        if hasattr(parts, "close"):
            parts.close()
        return started[0]

    return status


def by_comma(_name: str, first: str, second: str) -> str:
    """As gunicorn and wsgiref do."""
    return f"{first},{second}"


def by_kind(name: str, first: str, second: str) -> str:
    """As mod_wsgi does, and as servers of HTTP/2 have to."""
    return f"{first}; {second}" if name == "HTTP_COOKIE" else f"{first}, {second}"


def first_only(_name: str, first: str, _second: str) -> str:
    return first


def last_only(_name: str, _first: str, second: str) -> str:
    return second


ASGI_APPS = {
    "starlette": apps.in_starlette,
    "fastapi": apps.in_fastapi,
    "litestar": apps.in_litestar,
    "falcon": apps.in_async_falcon,
    "django": apps.in_async_django,
    "flask": apps.flask_over_asgi,
}
WSGI_APPS: dict[str, Callable[[], Any]] = {
    "flask": lambda: apps.in_flask().wsgi_app,
    "falcon": apps.in_falcon,
    "django": apps.in_django,
    "plain": lambda: apps.in_plain_wsgi,
}
JOINS = (by_comma, by_kind, first_only, last_only)


@pytest.fixture
def settings() -> Iterator[ExitStack]:
    """Django's, without middleware."""
    with ExitStack() as stack:
        urls = apps.__name__
        stack.enter_context(override_settings(ROOT_URLCONF=urls, MIDDLEWARE=[]))
        yield stack


def require_limited_as_without_junk(bare: Ask, limited: Callable[[], Ask]) -> None:
    """Each form that the bare application serves is served LIMIT times, and LIMIT in all."""
    served = 0
    for path, forms in FORMS.items():
        for name, form in forms.items():
            if bare(path, form("j0")) != OK:
                continue
            served += 1
            ask = limited()
            found = [ask(path, form(f"j{number}")) for number in range(LIMIT + 2)]
            assert found == [OK] * LIMIT + [DENIED] * 2, f"{path}: {name}"
            assert ask(path, forms["once"]("j")) == DENIED, f"{path}: {name}: the bucket is another"
    assert served >= LEAST_SERVED, "the application serves hardly anything, so nothing was tried"


@pytest.mark.parametrize("by_token", [BY_CLAIM, BY_FIELD], ids=["by claim", "by field"])
@pytest.mark.parametrize("name", ASGI_APPS)
def test_p15_plain_asgi_limits_the_credential_that_the_application_reads(
    settings: ExitStack, name: str, by_token: Identity
) -> None:
    app = ASGI_APPS[name]()
    limited = lambda: over_asgi(asgi.RateLimitMiddleware(app, **options(by_token)))  # noqa: E731
    require_limited_as_without_junk(over_asgi(app), limited)


@pytest.mark.parametrize("joined", JOINS)
@pytest.mark.parametrize("name", WSGI_APPS)
def test_p15_plain_wsgi_limits_the_credential_that_the_application_reads(
    settings: ExitStack, name: str, joined: Any
) -> None:
    app = WSGI_APPS[name]()
    limited = lambda: over_wsgi(wsgi.RateLimitMiddleware(app, **options()), joined)  # noqa: E731
    require_limited_as_without_junk(over_wsgi(app, joined), limited)


@pytest.mark.parametrize("joined", JOINS)
def test_p15_flasks_adapter_limits_the_credential_that_the_application_reads(joined: Any) -> None:
    def limited() -> Ask:
        app = apps.in_flask()
        limit_app(app, **options())
        return over_wsgi(app.wsgi_app, joined)

    require_limited_as_without_junk(over_wsgi(apps.in_flask().wsgi_app, joined), limited)


@pytest.mark.parametrize("joined", [*JOINS, None])
def test_p15_djangos_adapter_limits_the_credential_that_the_application_reads(
    settings: ExitStack, joined: Any
) -> None:
    def over(make_wsgi: Any, make_asgi: Any) -> Ask:
        return over_wsgi(make_wsgi(), joined) if joined else over_asgi(make_asgi())

    def limited() -> Ask:
        given = {name.upper(): value for name, value in options().items()}
        middleware = ["ratelimit_ddb.django.RateLimitMiddleware"]
        with override_settings(RATELIMIT_DDB=given, MIDDLEWARE=middleware):
            return over(apps.in_django, apps.in_async_django)

    bare = over(apps.in_django, apps.in_async_django)
    require_limited_as_without_junk(bare, limited)
