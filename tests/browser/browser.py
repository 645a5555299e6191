"""A browser as a user has it in hand: addresses, links, buttons, what is to be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

PATIENCE_SECONDS = 20.0
"""How long anything may take that a test waits for, on a machine that stands still at times."""

_IS_LIVE = """
return !document.querySelector('script[src]') || document.documentElement.dataset.live === 'on';
"""
"""Whether the page is told what happens, if it has a live view: the site has read its session."""
_IS_ANOTHER = "return !window.isTheOld && document.readyState === 'complete'"


class Browser:
    """A browser at a site.

    Args:
        driver: what moves it.
        url: the site, without a slash at the end.
        cookie: the name of the site's cookie.
    """

    def __init__(self, driver: Chrome, url: str, cookie: str) -> None:
        self.driver = driver
        self.url = url
        self.cookie = cookie

    # What a user does

    def open(self, path: str = "/") -> None:
        """Go to an address."""
        self.driver.get(self.url + path)
        self.until(lambda: self.run(_IS_LIVE))

    def reload(self) -> None:
        self.driver.refresh()
        self.until(lambda: self.run(_IS_LIVE))

    def back(self) -> None:
        with self._another_page():
            self.driver.back()

    def type(self, label: str, text: str) -> None:
        """Fill the field of a label."""
        name = self._one("xpath", f"//label[normalize-space()='{label}']").get_attribute("for")
        field = self._one("id", str(name))
        if self.run("return arguments[0].value", field):
            field.clear()
        field.send_keys(text)

    def press(self, button: str) -> None:
        """Press the button with that text, or whose text begins so, and see where it leads."""
        exact = self.driver.find_elements("xpath", f"//button[normalize-space()='{button}']")
        begins = f"//button[starts-with(normalize-space(), '{button}')]"
        (element,) = exact or self.driver.find_elements("xpath", begins)
        with self._another_page():
            element.click()

    def follow(self, link: str) -> None:
        with self._another_page():
            self._one("link text", link).click()

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def press_by_key(self, key: str) -> None:
        """Press a key that leads to another page."""
        with self._another_page():
            self.keys(key)

    def login(self, name: str) -> None:
        """Log in by the form, without the time that typing takes."""
        self.open("/login")
        with self._another_page():
            self.run(
                "const form = document.querySelector('main form');"
                "form.user_name.value = arguments[0]; form.requestSubmit();",
                name,
            )

    # What there is to be seen

    @property
    def path(self) -> str:
        return str(urlsplit(self.driver.current_url).path)

    @property
    def heading(self) -> str:
        return self._shown("h1")

    @property
    def text(self) -> str:
        return self._shown("body")

    @property
    def note(self) -> str:
        return self._shown(".note")

    @property
    def devices(self) -> list[tuple[str, bool]]:
        """Each device that is listed, and whether it is called this one."""
        found = self.run(
            "return [...document.querySelectorAll('.devices li')]"
            ".map(item => [item.querySelector('h2').innerText, item.innerText])"
        )
        return [(name, "This one" in text) for name, text in found]

    def run(self, script: str, *given: Any) -> Any:
        """What a script in the page returns."""
        return self.driver.execute_script(script, *given)

    def run_until_done(self, script: str, *given: Any) -> Any:
        """What a script in the page gives to its last argument, ``done``, sooner or later."""
        script = f"const done = arguments[arguments.length - 1]; {script}"
        return self.driver.execute_async_script(script, *given)

    # Its cookies

    def cookies(self) -> list[dict[str, Any]]:
        """All that it would send to the site, as it keeps them."""
        found = self.driver.execute_cdp_cmd("Network.getCookies", {"urls": [f"{self.url}/"]})
        return list(found["cookies"])

    def token(self) -> str | None:
        """What the site's cookie holds; None where there is none."""
        return next((c["value"] for c in self.cookies() if c["name"] == self.cookie), None)

    def put_token(self, value: str) -> None:
        """Put the site's cookie back, or one that was made up."""
        parameters = {
            "url": f"{self.url}/",
            "name": self.cookie,
            "value": value,
            "path": "/",
            "secure": self.url.startswith("https:"),
            "httpOnly": True,
            "sameSite": "Lax",
        }
        assert self.driver.execute_cdp_cmd("Network.setCookie", parameters)["success"]

    def forget_everything(self) -> None:
        """Be as new."""
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
        self.driver.execute_cdp_cmd("Page.resetNavigationHistory", {})

    def _shown(self, selector: str) -> str:
        """The text of the one element, as it is laid out."""
        (text,) = self.run(
            "return [...document.querySelectorAll(arguments[0])].map(it => it.innerText)", selector
        )
        return str(text)

    def _one(self, by: str, what: str) -> WebElement:
        (element,) = self.driver.find_elements(by, what)
        return element

    @contextmanager
    def _another_page(self) -> Iterator[None]:
        """Wait until what the block did has led to another page, all of it."""
        self.run("window.isTheOld = true")
        yield
        self.until(lambda: self.run(_IS_ANOTHER) and self.run(_IS_LIVE))

    def until(self, fact: Callable[[], Any]) -> None:
        """Wait for something to be so."""
        from selenium.common.exceptions import WebDriverException
        from selenium.webdriver.support.wait import WebDriverWait

        # Between two pages there may be none that a script could run in.
        waiting = WebDriverWait(
            self.driver, PATIENCE_SECONDS, 0.02, ignored_exceptions=(WebDriverException,)
        )
        waiting.until(lambda _driver: fact())
