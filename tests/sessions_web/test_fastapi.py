"""FastAPI: the session in routes, dependencies, background tasks, sub-applications and forms."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request
from fastapi.responses import RedirectResponse

from sessions import Session, SessionNotSaved
from sessions.asgi import SessionMiddleware
from tests.fake_clock import FakeClock
from tests.sessions_web.exchange import Browser
from tests.sessions_web.site import WatchedStore


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore([], FakeClock())


def session_of(request: Request) -> Session:
    found: Any = request.session
    assert isinstance(found, Session)
    return found


def user_of(session: Annotated[Session, Depends(session_of)]) -> str:
    if session.user_id is None:
        raise HTTPException(401, "log in first")
    return session.user_id


async def form_of(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode()))


def visits_of(request: Request) -> int:
    request.session["visits"] = request.session.get("visits", 0) + 1
    return int(request.session["visits"])


Mine = Annotated[Session, Depends(session_of)]
Form = Annotated[dict[str, str], Depends(form_of)]
Visits = Annotated[int, Depends(visits_of)]
User = Annotated[str, Depends(user_of)]


def site(store: WatchedStore) -> FastAPI:
    app = FastAPI()
    app.add_middleware(SessionMiddleware, store=store)

    @app.post("/login")
    async def login(session: Mine, form: Form) -> RedirectResponse:
        session.login(form["name"], device="a browser")
        return RedirectResponse("/me", 303)

    @app.get("/me")
    def me(user: User) -> str:
        return user

    @app.post("/logout")
    def logout(session: Mine) -> None:
        session.logout()

    @app.get("/all")
    async def everything(request: Request) -> dict[str, Any]:
        return dict(request.session)

    @app.get("/put/{key}")
    async def put(key: str, request: Request) -> None:
        request.session[key] = [1]

    return app


def browser(app: Any) -> Browser:
    return Browser(app, "asgi")


def test_who_logs_in_is_found_by_a_dependency(store: WatchedStore) -> None:
    ada = browser(site(store))
    assert ada.ask("/me").status == 401
    assert ada.ask("/login", "POST", form={"name": "ada"}).status == 303
    assert ada.ask("/me").value == "ada"
    assert store.sessions_of("ada")[0].device == "a browser"
    ada.ask("/logout", "POST")
    assert ada.ask("/me").status == 401
    assert ada.cookies == {}


def test_a_dependencys_refusal_says_that_it_varies(store: WatchedStore) -> None:
    response = browser(site(store)).ask("/me")
    assert (response.status, response.headers["vary"]) == (401, "Cookie")
    assert response.set_cookies == []


def test_request_session_is_a_mapping_as_before(store: WatchedStore) -> None:
    ada = browser(site(store))
    ada.ask("/put/a")
    ada.ask("/put/b")
    assert ada.ask("/all").value == {"a": [1], "b": [1]}


def test_a_dependency_may_change_the_session_before_the_response(store: WatchedStore) -> None:
    app = site(store)

    @app.get("/counted")
    def page(visits: Visits) -> int:
        return visits

    ada = browser(app)
    assert [ada.ask("/counted").value for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("saved", [True, False])
def test_background_tasks_save_what_they_change_or_it_is_told(
    store: WatchedStore, saved: bool
) -> None:
    app = site(store)

    async def later(session: Session) -> None:
        session["later"] = [1]
        if saved:
            await session.save_async()

    @app.get("/begin")
    async def begin(session: Mine, tasks: BackgroundTasks) -> None:
        tasks.add_task(later, session)

    ada = browser(app)
    ada.ask("/put/a")
    if saved:
        ada.ask("/begin")
    else:
        with pytest.raises(SessionNotSaved):
            ada.ask("/begin")
    assert ada.ask("/all").value == {"a": [1], **({"later": [1]} if saved else {})}


def test_an_error_in_a_route_saves_nothing(store: WatchedStore) -> None:
    app = site(store)

    @app.get("/broken")
    def broken(session: Mine) -> None:
        session["b"] = 1
        raise LookupError("the application's own")

    ada = browser(app)
    ada.ask("/put/a")
    with pytest.raises(LookupError):
        ada.ask("/broken")
    assert ada.ask("/all").value == {"a": [1]}


def test_a_value_that_cannot_be_stored_is_told_where_it_is_put(store: WatchedStore) -> None:
    app = site(store)

    @app.get("/set")
    def put_a_set(session: Mine) -> str:
        with pytest.raises(TypeError, match="session\\['tags'\\]"):
            session["tags"] = {1, 2}
        return "told"

    assert browser(app).ask("/set").value == "told"


def test_a_mounted_application_has_the_same_session(store: WatchedStore) -> None:
    app, inner = site(store), FastAPI()

    @inner.get("/who")
    def who(user: User) -> str:
        return user

    app.mount("/inner", inner)
    ada = browser(app)
    ada.ask("/login", "POST", form={"name": "ada"})
    assert ada.ask("/inner/who").value == "ada"


def with_a_form(store: WatchedStore) -> FastAPI:
    app = site(store)

    @app.get("/form")
    def show(session: Mine) -> str:
        return session.csrf_token()

    @app.post("/send")
    def send(session: Mine, form: Form) -> str:
        if not session.is_csrf_token(form.get("token")):
            raise HTTPException(403)
        return "sent"

    return app


def test_a_form_comes_back_with_its_csrf_token(store: WatchedStore) -> None:
    ada = browser(with_a_form(store))
    first, second = ada.ask("/form").value, ada.ask("/form").value
    assert first != second, "masked anew each time"
    for token in (first, second, first):
        assert ada.ask("/send", "POST", form={"token": token}).value == "sent"
    for token in ("", "x", first[:-1], first[::-1]):
        assert ada.ask("/send", "POST", form={"token": token}).status == 403
    assert ada.ask("/send", "POST").status == 403


def test_a_csrf_token_is_of_one_session_and_ends_with_a_login(store: WatchedStore) -> None:
    app = with_a_form(store)
    ada, eve = browser(app), browser(app)
    token, of_eve = ada.ask("/form").value, eve.ask("/form").value
    assert ada.ask("/send", "POST", form={"token": of_eve}).status == 403
    assert browser(app).ask("/send", "POST", form={"token": token}).status == 403
    ada.ask("/login", "POST", form={"name": "ada"})
    assert ada.ask("/send", "POST", form={"token": token}).status == 403
    assert ada.ask("/send", "POST", form={"token": ada.ask("/form").value}).value == "sent"
