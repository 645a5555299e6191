"""The live view: buckets that drain and refill as one clicks, and sessions that end on the spot."""

from __future__ import annotations

import pytest

from demo.limits import PER_SECOND
from tests.browser.browser import Browser
from tests.browser.site import Served

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("site", ["http"], indirect=True)]

SECOND, MINUTE = 0, 1
TOKENS = """
const tanks = document.querySelectorAll(`[data-caller="${arguments[0]}"] [role=meter]`);
return Number(tanks[arguments[1]].getAttribute('aria-valuenow'));
"""


class LivePage:
    """The start page in a browser, as a user looks at it."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def tokens(self, caller: str, limit: int) -> int:
        return int(self.browser.run(TOKENS, caller, limit))

    def height(self, caller: str) -> float:
        """How high the water stands that is drawn, of 1."""
        return float(
            self.browser.run(
                "const water = document.querySelector(`[data-caller='${arguments[0]}'] .water`);"
                "return water.getBoundingClientRect().height / water.offsetHeight;",
                caller,
            )
        )

    def click(self, caller: str, button: str) -> None:
        selector = f'[data-caller="{caller}"] .{button}'
        self.browser.driver.find_element("css selector", selector).click()

    def card(self, caller: str) -> str:
        (text,) = self.browser.run(
            "return [...document.querySelectorAll(`[data-caller='${arguments[0]}']`)]"
            ".map(card => card.innerText)",
            caller,
        )
        return str(text)

    def requests(self) -> str:
        return str(self.browser.run("return document.getElementById('requests').innerText"))

    def devices(self) -> list[str]:
        found = self.browser.run(
            "return [...document.querySelectorAll('#devices li')].map(item => item.innerText)"
        )
        return [str(text) for text in found]


@pytest.fixture
def page(browser: Browser) -> LivePage:
    browser.open()
    return LivePage(browser)


def test_a_click_takes_a_token_of_each_bucket_and_time_gives_it_back(page: LivePage) -> None:
    assert (page.tokens("key:ada", SECOND), page.tokens("key:ada", MINUTE)) == (8, 24)

    page.click("key:ada", "ask")

    page.browser.until(lambda: page.tokens("key:ada", MINUTE) == 23)
    page.browser.until(lambda: "200\tadmitted" in page.requests())
    assert page.tokens("key:grace", SECOND) == 8
    page.browser.until(lambda: page.tokens("key:ada", MINUTE) == 24)
    assert page.height("key:ada") == pytest.approx(1, abs=0.01)


def test_a_flood_drains_the_bucket_gets_429_and_the_bucket_refills(page: LivePage) -> None:
    page.click("key:ada", "flood")

    page.browser.until(lambda: page.tokens("key:ada", SECOND) == 0)
    assert page.height("key:ada") < 0.5
    page.browser.until(lambda: "429\tover 2 a second, retry after 0." in page.requests())
    page.browser.until(lambda: "429, " in page.card("key:ada"))
    assert page.tokens("key:linus", SECOND) == PER_SECOND.burst, "others are not concerned"
    page.click("key:ada", "flood")  # stops it
    page.browser.until(lambda: page.tokens("key:ada", SECOND) == PER_SECOND.burst)
    assert page.height("key:ada") == pytest.approx(1, abs=0.01)


def test_all_callers_together_empty_the_bucket_that_they_share(page: LivePage) -> None:
    page.browser.driver.find_element("id", "flood-all").click()
    page.browser.until(lambda: "429\tover 5 a second" in page.requests())
    page.browser.until(lambda: page.card("address:127.0.0.1").count("denied"))


def test_another_browser_sees_the_same_buckets_at_once(page: LivePage, other: Browser) -> None:
    other.open()
    there = LivePage(other)
    page.click("key:ada", "ask")
    other.until(lambda: there.tokens("key:ada", MINUTE) == 23)
    other.until(lambda: "ada\t200\tadmitted" in there.requests())


def test_two_browsers_of_one_user_share_that_users_buckets(
    browser: Browser, other: Browser
) -> None:
    browser.login("ada")
    other.login("ada")
    here, there = LivePage(browser), LivePage(other)
    here.click("session:ada", "ask")
    other.until(lambda: there.tokens("session:ada", MINUTE) == 23)
    assert there.tokens("key:ada", MINUTE) == 24, "a key of the same name is another caller"


def test_log_out_everywhere_ends_the_other_page_before_ones_eyes(
    browser: Browser, other: Browser, site: Served
) -> None:
    browser.login("ada")
    other.login("ada")
    here, there = LivePage(browser), LivePage(other)
    browser.until(lambda: len(here.devices()) == 2)
    assert sum("This one" in device for device in here.devices()) == 1

    browser.press("Log out everywhere else")

    assert (browser.path, browser.heading) == ("/", "Hello, ada")
    assert browser.note == "1 other session is ended. Only this one goes on."
    browser.until(lambda: len(here.devices()) == 1)
    other.until(lambda: "This session was ended elsewhere." in other.text)
    assert there.devices() == []
    assert len(site.store) == 1
    other.follow("Go on")
    assert other.heading == "Nobody is logged in"


def test_one_device_is_ended_from_the_live_list(browser: Browser, other: Browser) -> None:
    browser.login("ada")
    other.login("ada")
    here = LivePage(browser)
    browser.until(lambda: len(here.devices()) == 2)
    browser.press("End")
    assert browser.note == "That session is ended."
    other.until(lambda: "This session was ended elsewhere." in other.text)


def test_a_logout_in_one_tab_is_told_to_the_other(browser: Browser) -> None:
    browser.login("ada")
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    try:
        browser.open()
        browser.press("Log out")
    finally:
        browser.driver.close()
        browser.driver.switch_to.window(first)
    browser.until(lambda: "This session was ended" in browser.text)
