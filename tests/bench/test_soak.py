"""Minutes of load: how memory grew is told rightly, and the sites answer what visitors expect."""

from __future__ import annotations

import pytest

from bench.memory_growth import growth, missed
from bench.site_apps import asgi_site, wsgi_site
from bench.worker.site import AsgiSite, Site, WsgiSite, cookie_after
from ratelimit_ddb import MemoryStore
from sessions import MemorySessionStore


def test_memory_that_rises_while_caches_fill_and_then_stays_is_flat() -> None:
    found = growth([50 + min(n, 30) for n in range(100)], 10_000)
    assert found == {"before": 80, "after": 80, "kilobytes_per_1000": 0}


def test_memory_that_goes_up_and_down_is_flat() -> None:
    found = growth([80 + n % 2 for n in range(100)], 100_000)
    assert abs(found["kilobytes_per_1000"]) < 1


def test_what_each_request_leaves_behind_is_the_slope() -> None:
    # 100 bytes a request, 1,000 requests a sample.
    found = growth([80 + n * 100_000 / 2**20 for n in range(100)], 100_000)
    assert found["kilobytes_per_1000"] == pytest.approx(100_000 / 1024, rel=0.01)
    assert found["after"] > found["before"]


def test_of_too_few_samples_nothing_is_told() -> None:
    with pytest.raises(ValueError, match="1 samples: at least 4"):
        growth([80.0], 100)


@pytest.mark.parametrize(
    ("other", "text"),
    [
        ({}, ""),
        ({"failures": 2}, "2 of 100 requests failed"),
        ({"failure": "it did not start"}, "it did not start"),
        ({"growth": {"kilobytes_per_1000": 9.5}}, "memory grew by 9.5 KB in 1,000 requests"),
        ({"growth": {"kilobytes_per_1000": -9.5}}, ""),
    ],
)
def test_what_a_site_did_not_reach_is_told(other: dict[str, object], text: str) -> None:
    run = {"requests": 100, "failures": 0, "growth": {"kilobytes_per_1000": 0.0}, **other}
    assert "; ".join(missed(run, 300)) == text
    of_memory = "memory" in text
    assert "; ".join(missed(run, 30)) == ("" if of_memory else text)


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_a_visitors_cart_holds_what_was_put_into_it(kind: str) -> None:
    limits, sessions = MemoryStore(), MemorySessionStore()
    site: Site
    if kind == "asgi":
        site = AsgiSite(asgi_site(limits, sessions, "20/day"))
    else:
        site = WsgiSite(wsgi_site(limits, sessions, "20/day"))
    cookie = ""
    for page in ("/cart", "/login", "/cart", "/look"):
        cookie = cookie_after(cookie, site.get(page, cookie))
        assert cookie.startswith("session=")
    (one,) = sessions.sessions_of("user-123")
    assert one is not None
    assert cookie_after(cookie, site.get("/logout", cookie)) == ""
    assert sessions.sessions_of("user-123") == []
    site.close()


def test_a_site_that_answers_otherwise_is_no_figure() -> None:
    site = WsgiSite(wsgi_site(MemoryStore(), MemorySessionStore(), "1/day"))
    site.get("/look", "")
    with pytest.raises(RuntimeError, match="/look: status 429"):
        site.get("/look", "")
