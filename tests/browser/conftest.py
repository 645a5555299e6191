"""Two browsers, started once, and for each test a site of its own, over http and over TLS."""

from __future__ import annotations

import base64
import hashlib
import os
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from tests.browser import chromium
from tests.browser.browser import Browser
from tests.browser.site import Served, served

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: needs Chromium; `make test-browser` runs it")


@pytest.fixture(scope="session")
def certificate() -> trustme.LeafCert:
    return trustme.CA().issue_cert(chromium.HOST, f"*.{chromium.HOST}", "127.0.0.1")


@pytest.fixture(scope="session")
def tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="session")
def drivers(
    certificate: trustme.LeafCert, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Chrome, Chrome]]:
    """Two browsers with profiles of their own: what one is told the other does not know."""
    if reason := chromium.missing():
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(f"{reason}: this run {chromium.HOW_TO_GET_IT}")
        pytest.skip(f"{reason}: {chromium.HOW_TO_GET_IT}")
    started: list[Chrome] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "localhost,127.0.0.1")
        try:
            for _ in range(2):
                profile = str(tmp_path_factory.mktemp("profile"))
                started.append(chromium.start(profile, _key_of(certificate)))
            yield started[0], started[1]
        finally:
            for driver in started:
                driver.quit()


@pytest.fixture(params=["http", "tls"])
def site(request: pytest.FixtureRequest, tls: ssl.SSLContext) -> Iterator[Served]:
    """The site on plain http at localhost, and over TLS at a name of its own."""
    at = (tls, chromium.HOST) if request.param == "tls" else (None, "localhost")
    with served(*at) as running:
        yield running


@pytest.fixture
def browser(drivers: tuple[Chrome, Chrome], site: Served) -> Browser:
    """A browser that was never at the site."""
    return _new(drivers[0], site)


@pytest.fixture
def other(drivers: tuple[Chrome, Chrome], site: Served) -> Browser:
    """Another one."""
    return _new(drivers[1], site)


def _new(driver: Chrome, site: Served) -> Browser:
    browser = Browser(driver, site.url, site.cookie)
    browser.forget_everything()
    return browser


def _key_of(certificate: trustme.LeafCert) -> str:
    """The digest of its public key, as Chromium takes it."""
    parsed = load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes())
    key = parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()
