"""The pages themselves: on a phone, in the dark, and with names that mean ill."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.browser.browser import Browser

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("site", ["http"], indirect=True)]

EVIL_NAME = "<script>document.title='x'</script>\"'&amp;"
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3 (AA)

COLOURS = """
const opaque = element => {
  const colour = getComputedStyle(element).backgroundColor;
  return colour !== 'rgba(0, 0, 0, 0)' || !element.parentElement
    ? colour : opaque(element.parentElement);
};
return [...document.querySelectorAll('body *')]
  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
  .map(e => [e.tagName, getComputedStyle(e).color, opaque(e)]);
"""
UNLABELLED = """
return [...document.querySelectorAll('button, a, input:not([type=hidden])')]
  .filter(e => !(e.textContent.trim() || (e.labels && e.labels.length)))
  .map(e => e.outerHTML);
"""


@pytest.fixture
def phone(browser: Browser) -> Iterator[Browser]:
    size = {"width": 360, "height": 640, "deviceScaleFactor": 2, "mobile": True}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    yield browser
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.fixture(params=["light", "dark"])
def scheme(browser: Browser, request: pytest.FixtureRequest) -> Iterator[str]:
    prefers = {"name": "prefers-color-scheme", "value": request.param}
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [prefers]})
    yield request.param
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def each_page(browser: Browser, name: str) -> Iterator[str]:
    """Show one page after the other, and tell its heading."""
    for path in ("/", "/login", "/nothing"):
        browser.open(path)
        yield browser.heading
    browser.login(name)
    yield browser.heading
    browser.open("/devices")
    yield browser.heading


def test_a_users_name_is_text_whatever_it_says(browser: Browser) -> None:
    browser.login(EVIL_NAME)
    assert browser.heading == f"Hello, {EVIL_NAME}"
    assert browser.driver.title == f"Hello, {EVIL_NAME} - Demo"


def test_a_name_that_can_not_be_is_told_by_the_field(browser: Browser) -> None:
    browser.login("anonymous~x")
    assert "A name may not begin with anonymous~" in browser.text
    field = browser.driver.find_element("id", "user_name")
    assert field.get_attribute("aria-invalid") == "true"
    assert field.get_attribute("value") == "anonymous~x"
    browser.type("User name", "ada")
    browser.press("Log in")
    assert browser.heading == "Hello, ada"


def test_nothing_is_wider_than_a_phone(phone: Browser) -> None:
    for heading in each_page(phone, "a" * 64):
        width = phone.run("return document.documentElement.scrollWidth")
        assert width == 360, heading


def test_everything_can_be_read(browser: Browser, scheme: str) -> None:
    backgrounds = set()
    for heading in each_page(browser, "ada"):
        for tag, colour, background in browser.run(COLOURS):
            backgrounds.add(background)
            assert contrast(colour, background) >= LEAST_CONTRAST, (heading, tag)
    bright = [luminance(background) > 0.5 for background in backgrounds]
    assert sum(bright) > len(bright) / 2 if scheme == "light" else sum(bright) < len(bright) / 2


def test_every_control_has_a_name(browser: Browser) -> None:
    for heading in each_page(browser, "ada"):
        assert browser.run(UNLABELLED) == [], heading
        assert browser.run("return document.documentElement.lang") == "en"
        assert browser.run("return document.querySelectorAll('main h1').length") == 1


def luminance(colour: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)
