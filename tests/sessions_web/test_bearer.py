"""Sessions whose token comes in ``Authorization: Bearer``, over ASGI and over WSGI."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest

from sessions import (
    AuthenticationRequired,
    Cookie,
    MemorySessionStore,
    Session,
    SessionConflict,
    SessionNotSaved,
    StoreUnavailable,
    TooManySessions,
    session_of,
)
from sessions.asgi import SessionMiddleware
from sessions.previous import PreviousSessions
from tests.sessions_web.exchange import Response
from tests.sessions_web.site import (
    Act,
    MakeSite,
    Saving,
    Site,
    Visitor,
    everything,
    in_turn,
    nothing,
    put,
)

COOKIE = "__Host-session"
UNKNOWN = "A" * 43


def issue(session: Session) -> str:
    return session.issue_token()


def login(user_id: str) -> Act:
    return lambda session: session.login(user_id)


def log_in(user_id: str = "ada") -> Act:
    """Log in, and return the token."""

    def act(session: Session) -> str:
        session.login(user_id)
        return session.issue_token()

    return act


def logout(session: Session) -> None:
    session.logout()


def rotate(session: Session) -> None:
    session.rotate()


def who(session: Session) -> str | None:
    return session.user_id


def required(session: Session) -> str:
    return session.require_user()


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("Authorization", f"Bearer {token}"),)


class Client:
    """An app on a phone: it has a token, and keeps no cookies."""

    def __init__(self, site: Site, token: str | None = None) -> None:
        self._visitor = site.visitor()
        self.token = token

    def call(self, *steps: Act | Saving, **request: Any) -> Response:
        """The response, which sets no cookie."""
        headers = () if self.token is None else bearer(self.token)
        response = self._visitor.visit(*steps, headers=headers, **request)
        assert response.set_cookies == []
        return response

    def log_in(self, user_id: str = "ada") -> Response:
        response = self.call(log_in(user_id))
        self.token = response.value
        return response


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(bearer=True)


@pytest.fixture
def client(site: Site) -> Client:
    """One who is logged in as Ada."""
    client = Client(site)
    client.log_in()
    return client


# The way of a token


def test_a_login_without_any_credential_begins_a_session_for_a_header(site: Site) -> None:
    client = Client(site)
    response = client.log_in()
    assert response.headers["cache-control"] == "private, no-store"
    client.call(put(cart=[17]))
    assert client.call(in_turn(who, everything)).value is None
    assert client.call(everything).value == {"cart": [17]}
    assert client.call(who).value == "ada"
    assert [one.user_id for one in site.store.sessions_of("ada")] == ["ada"]


def test_an_anonymous_session_has_a_token_too(site: Site) -> None:
    client = Client(site)

    def begin(session: Session) -> str:
        session["cart"] = [17]
        return session.issue_token()

    client.token = client.call(begin).value
    assert client.call(everything).value == {"cart": [17]}
    assert client.call(who).value is None


@pytest.mark.parametrize("secret", [None, "s" * 32, ["n" * 32, "s" * 32]])
def test_the_token_has_the_form_of_the_cookies_value(make_site: MakeSite, secret: Any) -> None:
    site = make_site(bearer=True, secret=secret)
    client = Client(site)
    client.log_in()
    assert client.token is not None
    assert len(client.token) == (43 if secret is None else 87)
    assert client.call(who).value == "ada"
    forged = client.token[:-2] + ("A" if client.token[-2] != "A" else "B") + client.token[-1]
    site.log.clear()
    assert Client(site, forged).call(who).value is None
    assert site.calls == ([] if secret else ["Find"])  # a MAC spares the read


def test_the_token_is_issued_in_an_event_loop_too() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        session = session_of(scope)
        session.login("ada")
        body = (await session.issue_token_async()).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    store = MemorySessionStore()
    middleware: Any = SessionMiddleware(app, store, bearer=True)
    asyncio.run(middleware({"type": "http", "headers": []}, None, send))
    assert (b"cache-control", b"private, no-store") in sent[0]["headers"]
    assert b"set-cookie" not in dict(sent[0]["headers"])
    assert len(sent[1]["body"]) == 43


def test_a_valid_token_is_returned_as_it_is_and_nothing_is_written(
    site: Site, client: Client
) -> None:
    site.log.clear()
    assert client.call(issue).value == client.token
    assert site.writes == []


def test_unless_the_option_is_on_the_header_is_ignored(make_site: MakeSite) -> None:
    site = make_site()
    visitor = site.visitor()
    visitor.visit(login("ada"))
    assert site.visitor().visit(who, headers=bearer(visitor.token)).value is None
    with pytest.raises(RuntimeError, match="need bearer=True"):
        site.visitor().visit(log_in())


def test_use_prolongs_it_and_the_token_stays(site: Site, client: Client) -> None:
    for _ in range(4):
        site.clock.advance(3_000)
        assert client.call(who).value == "ada"
    site.clock.advance(3_600)
    assert client.call(who).value is None


def test_responses_vary_by_both_credentials(site: Site, client: Client) -> None:
    assert client.call(who).headers["vary"] == "Cookie, Authorization"
    assert site.visitor().visit(who).headers["vary"] == "Cookie, Authorization"
    assert "vary" not in client.call(nothing).headers


def test_only_a_response_with_a_token_is_not_to_be_stored(client: Client) -> None:
    public = (("Cache-Control", "public, max-age=60"),)
    assert client.call(issue, answered=public).headers["cache-control"] == "private, no-store"
    assert client.call(who, answered=public).headers["cache-control"] == "public, max-age=60"


# Login, logout, rotation, revocation


def test_a_login_without_issue_token_is_an_error_and_writes_nothing(
    site: Site, client: Client
) -> None:
    site.log.clear()
    for act in (login("ada"), rotate, lambda session: session.confirm_login("ada")):
        with pytest.raises(SessionNotSaved, match=r"issue_token"):
            client.call(act)
        with pytest.raises(SessionNotSaved, match=r"issue_token"):
            client.call(Saving(act))
    assert site.writes == []
    assert client.call(who).value == "ada"


def test_a_login_replaces_the_token_and_takes_the_values_along(site: Site) -> None:
    client = Client(site)
    client.token = client.call(in_turn_last(put(cart=[17]), issue)).value
    before = client.token
    client.log_in()
    assert client.token != before
    assert client.call(everything).value == {"cart": [17]}
    assert Client(site, before).call(everything).value == {}
    # One that was under way with the old token can't save, nor get a token.
    with pytest.raises(SessionNotSaved, match="there is no session"):
        Client(site, before).call(in_turn(put(a=1), issue))
    Client(site, before).call(Saving(put(a=1)))
    assert site.told[-1] == "dropped replaced"


def test_what_is_saved_without_a_new_id_needs_no_new_token(site: Site, client: Client) -> None:
    client.call(Saving(put(a=1)))
    assert client.call(everything).value == {"a": 1}
    Client(site).call(Saving(nothing))
    Client(site, UNKNOWN).call(Saving(nothing))
    assert site.told == ["created", "invalid unknown"]


def test_a_rotation_has_a_grace_and_a_lost_response_is_asked_for_again(
    site: Site, client: Client
) -> None:
    before = client.token

    def renew(session: Session) -> str:
        session.rotate()
        return session.issue_token()

    lost = client.call(renew).value
    assert client.call(who).value == "ada"  # with the token of before, for 20 seconds
    client.token = client.call(issue).value
    assert client.token not in (before, lost)
    site.clock.advance(21)
    assert client.call(who).value == "ada"
    assert Client(site, before).call(who).value is None
    assert Client(site, lost).call(who).value is None


def test_of_two_rotations_at_once_one_is_told_to_take_the_others_token(
    site: Site, client: Client
) -> None:
    def renew(session: Session) -> str:
        session.rotate()
        return session.issue_token()

    tokens: list[str] = []
    site.store.meanwhile["Replace"] = lambda: tokens.append(client.call(renew).value)
    with pytest.raises(SessionConflict, match="its response has the token"):
        client.call(renew)
    site.clock.advance(21)
    assert Client(site, tokens[0]).call(who).value == "ada"


def test_a_logout_ends_it_and_what_is_set_later_is_dropped_and_told(
    site: Site, client: Client
) -> None:
    client.call(in_turn(logout, put(a=1)))
    assert site.told[-2:] == ["dropped no_token", "destroyed"]
    assert client.call(who).value is None
    assert site.store.sessions_of("ada") == []


def test_a_logout_and_a_login_in_one_request(site: Site, client: Client) -> None:
    before = client.token
    client.token = client.call(in_turn_last(logout, log_in("bob"))).value
    assert client.call(who).value == "bob"
    assert Client(site, before).call(who).value is None


def in_turn_last(first: Act, last: Act) -> Act:
    def act(session: Session) -> Any:
        first(session)
        return last(session)

    return act


def test_revocation_ends_sessions_of_both_kinds(site: Site, client: Client) -> None:
    visitor = site.visitor()
    visitor.visit(login("ada"))
    assert len(site.store.sessions_of("ada")) == 2
    assert site.store.revoke_user("ada") == 2
    assert client.call(who).value is None
    assert visitor.visit(who).value is None


def test_revoked_while_it_was_used_it_gives_no_token(site: Site, client: Client) -> None:
    def revoked(session: Session) -> str:
        session["a"] = 1
        site.store.revoke_user("ada")
        return session.issue_token()

    with pytest.raises(SessionNotSaved, match="there is no session"):
        client.call(revoked)
    assert site.told[-1] == "revoked"


def test_a_login_that_is_refused_gives_no_token_and_sets_no_cookie(make_site: MakeSite) -> None:
    site = make_site(bearer=True, max_sessions_per_user=1, on_max_sessions="refuse")
    Client(site).log_in()

    def refused(session: Session) -> str:
        session.login("ada")
        with pytest.raises(TooManySessions):
            session.issue_token()
        return "refused"

    assert Client(site).call(refused).value == "refused"


def test_a_second_login_of_the_response_needs_its_own_token(site: Site) -> None:
    with pytest.raises(SessionNotSaved, match="issue_token"):
        Client(site).call(in_turn(log_in("ada"), login("ada")))
    assert [one.user_id for one in site.store.sessions_of("ada")] == ["ada"]


def test_nothing_is_issued_of_an_empty_session_or_a_started_response(
    site: Site, client: Client
) -> None:
    with pytest.raises(SessionNotSaved, match="log in, or set a value first"):
        Client(site).call(issue)
    with pytest.raises(SessionNotSaved, match="the response has started"):
        client.call(nothing, issue)


def test_a_session_saved_before_gives_its_token_instead_of_a_cookie(site: Site) -> None:
    def act(session: Session) -> str:
        session.login("ada")
        session.save()
        return session.issue_token()

    client = Client(site)
    client.token = client.call(act).value
    assert client.call(who).value == "ada"


def test_out_of_reach_there_is_no_token(make_site: MakeSite) -> None:
    site = make_site(bearer=True, on_outage="empty")
    client = Client(site)
    client.log_in()
    site.store.failures["Find"] = StoreUnavailable("no table")
    with pytest.raises(StoreUnavailable, match="issue_token"):
        client.call(in_turn(put(a=1), issue))
    client.call(put(a=1))
    assert site.told[-2:] == ["unavailable", "dropped unavailable"]


# Which credential counts


def both(site: Site, client: Client) -> Visitor:
    """A browser that is logged in as Bob, and sends Ada's token."""
    visitor = site.visitor()
    visitor.visit(login("bob"))
    assert client.token is not None
    return visitor


def test_a_cookie_beats_a_header(site: Site, client: Client) -> None:
    visitor = both(site, client)
    assert client.token is not None
    sent = bearer(client.token)
    assert visitor.visit(who, headers=sent).value == "bob"
    assert visitor.visit(lambda session: session.credential, headers=sent).value == "cookie"
    assert visitor.visit(logout, headers=sent).set_cookies[0].startswith(f"{COOKIE}=;")
    assert client.call(who).value == "ada"  # the header's is left alone


def test_a_cookie_of_no_session_beats_a_header_too(site: Site, client: Client) -> None:
    assert client.token is not None
    response = site.visitor().visit(who, headers=bearer(client.token), cookie=f"{COOKIE}={UNKNOWN}")
    assert response.value is None


def test_a_cookie_of_the_sessions_before_beats_a_header_too(make_site: MakeSite) -> None:
    old = PreviousSessions(cookie=Cookie(name="old", secure=False), read=dict_of, max_age=3_600)
    site = make_site(bearer=True, previous=old)
    client = Client(site)
    client.log_in()
    visitor = site.visitor()
    sent = bearer(str(client.token))
    response = visitor.visit(everything, headers=sent, cookie="old=cart")
    assert response.value == {"cart": 17}
    assert len(response.set_cookies) == 2
    assert visitor.visit(who, headers=sent, cookie="old=worthless").value is None
    with pytest.raises(SessionNotSaved, match="this request has a session cookie"):
        visitor.visit(log_in(), cookie="old=worthless")
    assert client.call(who).value == "ada"


def dict_of(value: str) -> dict[str, int] | None:
    return {"cart": 17} if value == "cart" else None


@pytest.mark.parametrize("value", ["", "short", "B" * 44, "ä" * 43, '"' + "C" * 43])
def test_a_cookie_that_can_be_none_of_ours_does_not_count(
    site: Site, client: Client, value: str
) -> None:
    response = client.call(who, cookie=f"{COOKIE}={value}")
    assert response.value == "ada"


def test_a_cookie_with_a_wrong_mac_does_not_count(make_site: MakeSite) -> None:
    site = make_site(bearer=True, secret="s" * 32)
    client = Client(site)
    client.log_in()
    assert client.call(who, cookie=f"{COOKIE}={UNKNOWN}.{UNKNOWN}").value == "ada"


def test_a_cookies_token_is_never_given_to_scripts(site: Site) -> None:
    visitor = site.visitor()
    visitor.visit(login("bob"))
    for cookie in (visitor.cookie, f"{COOKIE}={UNKNOWN}"):
        for act in (issue, log_in("bob")):
            with pytest.raises(SessionNotSaved, match="this request has a session cookie"):
                site.visitor().visit(act, cookie=cookie)
    assert visitor.visit(who).value == "bob"


# Forged requests


def form_is_mine(session: Session) -> bool:
    return session.is_csrf_token("x" * 88)


def test_without_a_cookie_there_is_nothing_to_forge(client: Client) -> None:
    assert client.call(form_is_mine).value is True
    assert client.call(lambda session: session.is_csrf_token(None)).value is True
    assert client.call(lambda session: session.credential).value == "bearer"


def test_a_header_beside_a_cookie_sheds_no_csrf_check(site: Site, client: Client) -> None:
    visitor = both(site, client)
    token = visitor.visit(lambda session: session.csrf_token()).value
    for value in (client.token, visitor.token, "", UNKNOWN, "!"):
        assert visitor.visit(form_is_mine, headers=bearer(str(value))).value is False
        own = visitor.visit(lambda one: one.is_csrf_token(token), headers=bearer(str(value)))
        assert own.value is True


@pytest.mark.parametrize("headers", [(), bearer(UNKNOWN), bearer("!"), bearer("")])
def test_a_request_of_no_session_passes_no_csrf_check(site: Site, headers: Any) -> None:
    visitor = site.visitor()
    assert visitor.visit(form_is_mine, headers=headers).value is False
    assert visitor.visit(lambda session: session.credential, headers=headers).value is None


# Tokens that lead to nothing


def test_an_unknown_token_is_never_adopted_and_no_cookie_is_set(site: Site) -> None:
    client = Client(site, UNKNOWN)
    client.call(put(a=1))
    assert site.writes == []
    assert site.told == ["invalid unknown", "dropped no_token"]
    with pytest.raises(SessionNotSaved, match="issue_token"):
        client.call(Saving(put(a=1)))
    client.log_in()
    assert client.token != UNKNOWN
    assert client.call(who).value == "ada"


@pytest.mark.parametrize(
    "field",
    [
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "Bearer\t{}",
        "Bearer {} x",
        "Bearer {}, Bearer {}",
        "Bearer {},{}",
        "Bearer ={}",
        'Bearer "{}"',
        "Bearer {}\x00",
        "Bearer {}\xa0",
        "Bearer \xe9{}",
        "Bearer token={}",
        "Bearer" + " " * 208 + "{}",  # 257 characters
        "bearer {}=",
        "Bearer " + "A" * 9_000,
    ],
)
def test_a_malformed_field_is_an_empty_session(site: Site, client: Client, field: str) -> None:
    site.log.clear()
    visitor = site.visitor()
    headers = (("Authorization", field.replace("{}", str(client.token))),)
    response = visitor.visit(put(a=1), headers=headers)
    assert site.calls == []
    assert response.set_cookies == []
    assert site.told[-2:] == ["invalid malformed", "dropped no_token"]
    assert visitor.visit(required, headers=headers).status == 401


@pytest.mark.parametrize(
    "field", ["bearer {}", "BEARER {}", "  Bearer   {} ", f"Bearer{207 * ' '}{{}}"]
)
def test_the_scheme_has_any_case_and_spaces_around(site: Site, client: Client, field: str) -> None:
    headers = (("Authorization", field.replace("{}", str(client.token))),)
    assert site.visitor().visit(who, headers=headers).value == "ada"


def test_of_two_fields_none_counts(site: Site, client: Client) -> None:
    own = bearer(str(client.token))
    for headers in (own + own, own + bearer(UNKNOWN), bearer(UNKNOWN) + own):
        assert site.visitor().visit(who, headers=headers).value is None
    for other in ("Basic eDp5", "Bearer", "x"):
        response = site.visitor().visit(who, headers=(*own, ("Authorization", other)))
        assert response.value is None
        response = site.visitor().visit(who, headers=(("Authorization", other), *own))
        assert response.value is None


@pytest.mark.parametrize(
    "field", ["Basic eDp5", "BearerX {}", "Bearer-X {}", "X Bearer {}", "Digest a=b", ""]
)
def test_another_scheme_is_no_token_of_ours(site: Site, client: Client, field: str) -> None:
    headers = (("Authorization", field.replace("{}", str(client.token))),)
    visitor = site.visitor()
    assert visitor.visit(login("bob"), headers=headers).set_cookies
    assert visitor.visit(who, headers=headers).value == "bob"


# Where a session is needed


@pytest.mark.parametrize("token", [UNKNOWN, "!", ""])
def test_a_token_that_leads_to_nothing_is_answered_401_invalid_token(
    site: Site, token: str
) -> None:
    response = site.visitor().visit(required, headers=bearer(token))
    assert response.status == 401
    assert response.headers["www-authenticate"] == (
        'Bearer error="invalid_token", error_description="The token leads to no session"'
    )
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Cookie, Authorization"


def test_a_request_without_a_token_is_told_the_scheme_only(site: Site, client: Client) -> None:
    for response in (
        site.visitor().visit(required),
        site.visitor().visit(required, cookie=f"{COOKIE}={UNKNOWN}", headers=bearer("A" * 43)),
    ):
        assert response.status == 401
        assert response.headers["www-authenticate"] == "Bearer"
    assert client.call(required).value == "ada"


def test_a_refusal_of_a_head_request_has_the_fields_without_the_content(site: Site) -> None:
    head = site.visitor().visit(required, method="HEAD")
    got = site.visitor().visit(required)
    assert (head.status, head.body) == (401, b"")
    assert head.headers == got.headers
    assert int(head.headers["content-length"]) == len(got.body) > 0


def test_a_session_that_was_ended_is_an_invalid_token(site: Site, client: Client) -> None:
    site.store.revoke_user("ada")
    response = client.call(required)
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


def test_the_exception_says_what_is_answered() -> None:
    refused = AuthenticationRequired("invalid_token")
    again = pickle.loads(pickle.dumps(refused))
    assert (again.error, again.status_code, again.headers) == (
        "invalid_token",
        401,
        refused.headers,
    )


def test_a_token_of_another_namespace_leads_to_nothing(site: Site, client: Client) -> None:
    other: Any = type(site.app)
    app = other(site.app._app, site.store, bearer=True, namespace="shop")
    visitor = Visitor(app, site.protocol)
    assert visitor.visit(who, headers=bearer(str(client.token))).value is None


def test_one_whose_user_logged_in_once_too_often_is_told_why(make_site: MakeSite) -> None:
    site = make_site(bearer=True, max_sessions_per_user=1)
    first, second = Client(site), Client(site)
    first.log_in()
    second.log_in()
    assert first.call(lambda session: session.end_reason).value == "login_elsewhere"
    assert second.call(who).value == "ada"


def test_a_confirmation_has_a_token_of_its_own_and_keeps_the_session(
    site: Site, client: Client
) -> None:
    def confirm(session: Session) -> str:
        session.confirm_login("ada")
        return session.issue_token()

    client.call(put(cart=[17]))
    site.clock.advance(1_000)
    before, client.token = client.token, client.call(confirm).value
    assert client.token != before
    assert client.call(lambda session: session.require_fresh(60)).status == 200
    assert client.call(everything).value == {"cart": [17]}
