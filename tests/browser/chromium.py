"""Chromium and its driver, of Debian's packages: install them once, start them.

``python -m tests.browser.chromium`` installs; ``make test-browser`` does so by itself.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

PACKAGES = ("chromium", "chromium-driver")
HOW_TO_GET_IT = "needs Chromium: run `make test-browser` as root, or `apt-get install " + (
    " ".join(PACKAGES) + "`"
)

HOST = "demo.test"
"""A name that means this machine to the browsers (RFC 6761, 6.2), for they trust localhost more."""

# Keys of device-bound sessions, in software: a container has no hardware that would keep them.
_FEATURES = ("DeviceBoundSessions", "EnableBoundSessionCredentialsSoftwareKeysForManualTesting")

# As root, and in containers, there is no sandbox and little shared memory; and whatever Chromium
# would ask of the network on its own account is none of a test's business.
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--no-proxy-server",
    f"--host-resolver-rules=MAP {HOST} 127.0.0.1, MAP *.{HOST} 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--enable-features={','.join(_FEATURES)}",
    "--lang=en-US",
    "--window-size=1000,800",
)


def missing() -> str | None:
    """Why no browser can be started here, in a word; None when one can."""
    if importlib.util.find_spec("selenium") is None:
        return "no selenium"
    absent = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"no {absent[0]}" if absent else None


def fetch() -> None:
    """Install the packages, unless they are there.

    Raises:
        PermissionError: only root may.
        FileNotFoundError: this is no Debian.
        subprocess.CalledProcessError: they could not be installed.
    """
    if shutil.which("chromium") and shutil.which("chromedriver"):
        return
    if os.geteuid() != 0:
        raise PermissionError("only root may install packages")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *PACKAGES]
    for command in (["apt-get", "update", "--quiet"], install):
        subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, check=True)


def start(profile: str, trusted_key: str) -> Chrome:
    """A browser of its own, without a window.

    Args:
        profile: an empty folder, for its cookies and all else that it remembers.
        trusted_key: the digest of the one key whose certificate it takes without an authority
            that it knows: SHA-256 of the SubjectPublicKeyInfo, in base64.
    """
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in _FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={profile}")
    options.add_argument(f"--ignore-certificate-errors-spki-list={trusted_key}")
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(30)
    return driver


if __name__ == "__main__":
    try:
        fetch()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"Chromium was not installed ({error}); tests that need it will skip")
