"""Freshness in Flask, with its own sessions and with what Flask-Login notes in them."""

from __future__ import annotations

from typing import Any

import flask
import pytest

from sessions import MemorySessionStore, ReauthenticationRequired
from sessions.flask import require_fresh, session
from tests.fake_clock import FakeClock
from tests.frameworks.flask_sessions_site import site


class Bank:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.app = site(MemorySessionStore(clock=self.clock))
        self.app.get("/transfer")(transfer)
        self.app.get("/transfer/async")(transfer_async)
        self.app.get("/by-hand")(by_hand)
        self.app.get("/proved", endpoint="proved")(lambda: str(session.authenticated_at))
        self.app.get("/flask-login/<int:fresh>")(flask_login)
        self.app.get("/confirm")(confirm)
        self.app.get("/stale")(stale)
        self.app.get("/unmark")(unmark)
        self.client = self.app.test_client()

    def get(self, path: str) -> Any:
        return self.client.get(path, base_url="https://localhost")


@require_fresh(300)
def transfer() -> str:
    """Send money."""
    return "sent"


@require_fresh(300)
async def transfer_async() -> str:
    return "sent"


def by_hand() -> str:
    session.require_fresh(300)
    return "sent"


def flask_login(fresh: int) -> str:
    flask.session["_user_id"] = "ada"
    flask.session["_fresh"] = bool(fresh)
    return "in"


def confirm() -> str:
    flask.session["_fresh"] = True
    return "confirmed"


def stale() -> str:
    flask.session["_fresh"] = False
    return "stale"


def unmark() -> str:
    del flask.session["_fresh"]
    return "unmarked"


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.mark.parametrize("path", ["/transfer", "/by-hand"])
def test_a_view_that_needs_a_fresh_login_is_refused(bank: Bank, path: str) -> None:
    assert bank.get(path).status_code == 401
    bank.get("/login/ada")
    bank.clock.advance(299)
    assert bank.get(path).text == "sent"
    bank.clock.advance(1)
    answer = bank.get(path)
    assert answer.status_code == 401
    assert 'insufficient_user_authentication"' in answer.headers["www-authenticate"]
    assert 'max_age="300"' in answer.headers["www-authenticate"]
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("no-store", "Cookie")


def test_a_decorated_view_stays_itself() -> None:
    assert (transfer.__name__, transfer.__doc__) == ("transfer", "Send money.")


def test_a_view_may_be_a_coroutine(bank: Bank) -> None:
    pytest.importorskip("asgiref")
    assert bank.get("/transfer/async").status_code == 401
    bank.get("/login/ada")
    assert bank.get("/transfer/async").text == "sent"


def test_an_error_handler_can_ask_for_the_password(bank: Bank) -> None:
    bank.app.register_error_handler(
        ReauthenticationRequired, lambda error: (f"password? {error.max_age}", 403)
    )
    assert bank.get("/transfer").text == "password? 300"


def test_a_login_by_flask_login_is_fresh_and_a_remembered_user_is_not(bank: Bank) -> None:
    bank.get("/flask-login/1")
    assert bank.get("/transfer").status_code == 200
    remembered = Bank()
    remembered.get("/flask-login/0")
    assert remembered.get("/who").text == "ada"
    assert remembered.get("/proved").text == "None"
    assert remembered.get("/transfer").status_code == 401


def test_flask_logins_confirmation_renews_it(bank: Bank) -> None:
    bank.get("/flask-login/1")
    bank.clock.advance(1_000)
    assert bank.get("/transfer").status_code == 401
    bank.get("/confirm")
    assert bank.get("/transfer").status_code == 200
    assert bank.get("/who").text == "ada"


def test_a_login_of_the_same_user_by_flask_login_renews_it(bank: Bank) -> None:
    bank.get("/flask-login/1")
    bank.clock.advance(1_000)
    bank.get("/flask-login/1")
    assert bank.get("/transfer").status_code == 200


def test_a_remembered_user_who_confirms_is_fresh(bank: Bank) -> None:
    bank.get("/flask-login/0")
    bank.clock.advance(1_000)
    bank.get("/confirm")
    assert bank.get("/transfer").status_code == 200


def test_what_flask_login_holds_for_stale_is_not_fresh(bank: Bank) -> None:
    bank.get("/flask-login/1")
    bank.get("/stale")
    assert bank.get("/transfer").status_code == 401


def test_a_remembered_user_proves_nothing_though_the_mark_is_lost(bank: Bank) -> None:
    bank.get("/flask-login/0")
    bank.get("/unmark")
    assert bank.get("/transfer").status_code == 401


def test_the_seconds_are_checked_where_they_are_written() -> None:
    with pytest.raises(ValueError, match="seconds"):
        require_fresh(0)
