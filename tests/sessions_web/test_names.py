"""Names of the session and keys of the application, in templates and in Python."""

from __future__ import annotations

from typing import Any

import flask
import jinja2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sessions import MemorySessionStore, Session, session_of
from tests.fake_clock import FakeClock
from tests.frameworks.flask_sessions_site import site as flask_site
from tests.sessions_web.site import Act, MakeSite, WatchedStore, put
from tests.sessions_web.starlette_site import browser
from tests.sessions_web.starlette_site import site as starlette_site

NAMES = sorted(
    {name for name in dir(Session) if name[0] != "_"} - {*dir(dict)}
    | {"config", "data", "row", "device", "cookie", "load", "changes", "start_response"}
)


def rendered(name: str) -> Act:
    template = jinja2.Template(f"{{{{ session.{name} }}}}", autoescape=True)
    return lambda session: template.render(session=session)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_gets_the_applications_key_of_any_name(make_site: MakeSite, name: str) -> None:
    visitor = make_site().visitor()
    assert visitor.visit(put(**{name: "of the app"})).status == 200
    assert visitor.visit(rendered(name)).value == "of the app"


@pytest.mark.parametrize("name", ["user_id", "id", "accessed"])
def test_a_template_gets_the_sessions_own_name_where_there_is_no_such_key(
    make_site: MakeSite, name: str
) -> None:
    visitor = make_site().visitor()
    visitor.visit(lambda session: session.login("ada"))
    shown = visitor.visit(rendered(name)).value
    assert shown == str(visitor.visit(lambda session: getattr(session, name)).value)
    assert shown not in ("", "None")


def test_an_ambiguous_name_is_refused_in_python_and_session_of_tells_it(
    make_site: MakeSite,
) -> None:
    visitor = make_site().visitor()

    def log_in(session: Session) -> None:
        session["user_id"] = 7
        session_of(session).login("ada")

    def asked(session: Session) -> Any:
        with pytest.raises(AttributeError, match=r"session_of\(session\)\.user_id"):
            _ = session.user_id
        return [session["user_id"], session_of(session).user_id]

    visitor.visit(log_in)
    assert visitor.visit(asked).value == [7, "ada"]


def test_a_dicts_own_methods_stay_what_they_are(make_site: MakeSite) -> None:
    visitor = make_site().visitor()
    visitor.visit(put(items=1, get=2, keys=3))
    assert visitor.visit(lambda session: sorted(session.items())).value == [
        ["get", 2],
        ["items", 1],
        ["keys", 3],
    ]


def test_flasks_templates_get_the_applications_key() -> None:
    store = MemorySessionStore()
    app = flask_site(store)

    @app.get("/name")
    def name() -> str:
        flask.session.update(user_id=7, id=8, login="by mail", row=9)
        return flask.render_template_string(
            "{{ session.user_id }} {{ session.id }} {{ session.login }} {{ session.row }}"
        )

    @app.get("/own")
    def own() -> str:
        session_of(flask.session).login("ada")
        return str(session_of(flask.request).user_id)

    client = app.test_client()
    for path in ("/name", "/name"):
        assert client.get(path, base_url="https://localhost").text == "7 8 by mail 9"
    assert client.get("/own", base_url="https://localhost").text == "ada"
    assert [one.user_id for one in store.sessions_of("ada")] == ["ada"]


def test_session_of_takes_a_request_a_scope_and_a_session() -> None:
    async def page(request: Request) -> JSONResponse:
        session_of(request)["a"] = 1
        session_of(request.scope)["b"] = 2
        session_of(request.session)["c"] = 3
        return JSONResponse(dict(request.session))

    answer = browser(starlette_site(WatchedStore([], FakeClock()), Route("/", page))).ask("/")
    assert answer.value == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize("wrong", [None, {}, object(), {"session": {}}])
def test_session_of_refuses_what_has_no_session(wrong: object) -> None:
    with pytest.raises(TypeError, match="no session in it"):
        session_of(wrong)


# What a dict has too


def test_it_makes_dicts_by_or_and_copy_and_is_updated_by_or_assign(make_site: MakeSite) -> None:
    visitor = make_site().visitor()

    def act(session: Session) -> Any:
        session["a"] = 1
        made = [session | {"b": 2}, {"a": 0, "b": 2} | session, session.copy()]
        assert all(type(one) is dict for one in made)
        same = session
        session |= {"c": 3}
        assert session is same
        return [*made, dict(session)]

    assert visitor.visit(act).value == [
        {"a": 1, "b": 2},
        {"a": 1, "b": 2},
        {"a": 1},
        {"a": 1, "c": 3},
    ]
    with pytest.raises(TypeError):
        visitor.visit(lambda session: session | 7)  # type: ignore[operator]


# Clearing


@pytest.mark.parametrize("is_user", [True, False])
def test_clear_logs_out(make_site: MakeSite, is_user: bool) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit((lambda session: session.login("ada")) if is_user else put(a=1))
    cookie = visitor.cookie

    def act(session: Session) -> Any:
        session.clear()
        return [session.user_id, dict(session)]

    assert visitor.visit(act).value == [None, {}]
    assert (visitor.cookies, site.store.sessions_of("ada"), len(site.store)) == ({}, [], 0)
    assert visitor.visit(lambda session: session.user_id, cookie=cookie).value is None


def test_what_is_set_after_clear_begins_another_session(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(lambda session: session.login("ada"))
    before = visitor.token

    def act(session: Session) -> None:
        session.clear()
        session["a"] = 1

    visitor.visit(act)
    assert visitor.token != before
    assert visitor.visit(lambda session: [session.user_id, dict(session)]).value == [None, {"a": 1}]
    assert site.store.sessions_of("ada") == []
