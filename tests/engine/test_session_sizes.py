"""The engine's own limits, met exactly: what is taken is stored, what is not is told before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ddbwire import AnsweredCall
from sessions import DynamoDBSessionStore, SessionTooLarge
from tests.fake_clock import FakeClock
from tests.session_table import session_table
from tests.sessions.browser import Site, begun

LONGEST_USER_ID = "ü" * 512
LONGEST_DEVICE = "🐈" * 256

Calls = list[AnsweredCall]


@pytest.fixture
def calls() -> Calls:
    return []


@pytest.fixture
def site(dynamodb_endpoint: str, calls: Calls) -> Iterator[Site]:
    clock = FakeClock()
    with session_table(dynamodb_endpoint) as table:
        store = DynamoDBSessionStore(
            table, endpoint_url=dynamodb_endpoint, clock=clock, on_call=calls.append
        )
        yield Site(store, clock)
        store.close()


def fits(site: Site, size: int, *, user_id: str, device: str | None) -> bool:
    """Whether a session takes a value of so many characters; if not, it is told before sending."""
    request = site.browser().open()
    request.session.login(user_id, device=device)
    request.session["large"] = "x" * size
    refusals = []
    try:
        request.finish()
    except SessionTooLarge as refusal:
        refusals.append(refusal)
    # What only the engine refused has a cause.
    assert [refusal.__cause__ for refusal in refusals] in ([], [None])
    return not refusals


@pytest.mark.parametrize(
    ("user_id", "device"), [("u", None), (LONGEST_USER_ID, LONGEST_DEVICE), ("u", LONGEST_DEVICE)]
)
def test_the_guard_lets_through_nothing_that_the_engine_refuses(
    site: Site, user_id: str, device: str | None
) -> None:
    taken, refused = 380_000, 420_000
    assert fits(site, taken, user_id=user_id, device=device)
    while refused - taken > 1:
        middle = (taken + refused) // 2
        if fits(site, middle, user_id=user_id, device=device):
            taken = middle
        else:
            refused = middle
    assert taken > 400 * 1024 - 4_096, "the guard takes more for itself than it need"


def test_what_is_refused_before_sending_costs_nothing(site: Site, calls: Calls) -> None:
    assert not fits(site, 410_000, user_id="u", device=None)
    assert calls == []


def test_what_became_too_large_meanwhile_is_refused_too(site: Site) -> None:
    browser = begun(site)
    requests = [browser.open() for _ in range(2)]
    for number, request in enumerate(requests):
        request.session[f"large {number}"] = "x" * 210_000
    requests[0].finish()
    with pytest.raises(SessionTooLarge):
        requests[1].begin()
    assert set(browser.seen()) == {"seed", "large 0"}


@pytest.mark.parametrize("count", [200, 1_000])
def test_many_keys_are_saved_at_once(site: Site, count: int) -> None:
    browser = begun(site)
    many = {f"key {number}": number for number in range(count)}
    with browser.request() as session:
        session.update(many)
    assert browser.seen() == {"seed": 0, **many}
    with browser.request() as session:
        session.clear()
    assert browser.seen() == {}


@pytest.mark.parametrize("key", ["k" * 255, "k" * 65_535, "#d.#k0 = :k0", "é" * 300])
def test_any_key_is_saved_or_refused_when_it_is_set(site: Site, key: str) -> None:
    browser = begun(site)
    request = browser.open()
    try:
        request.session[key] = 1
    except ValueError:
        return
    request.finish()
    assert browser.seen() == {"seed": 0, key: 1}


@pytest.mark.parametrize("key", ["k" * 70_000, "\ud83d", "\ud83d\ude00"])
def test_a_key_that_no_item_can_hold_is_refused_when_it_is_set(site: Site, key: str) -> None:
    session = site.browser().open().session
    with pytest.raises(ValueError, match="session"):
        session[key] = 1
