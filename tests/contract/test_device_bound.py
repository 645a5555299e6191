"""Sessions are bound to a device, and refreshed once for each proof, in every store."""

from __future__ import annotations

from typing import Any

import pytest

from sessions.cookie.headers import Headers
from sessions.device_bound import DeviceBound
from sessions.device_bound.binding import GRACE_SECONDS
from sessions.device_bound.endpoints import EndpointRequest, answer
from sessions.operations.operation import CallApplication
from sessions.response import Response
from tests.device_bound.device_browser import REFRESH, REGISTER, SECRET
from tests.device_bound.device_key import DeviceKey
from tests.sessions.browser import Browser, Site

pytest_plugins = ("tests.contract.session_stores",)

OPTION = DeviceBound(SECRET)


class Calls:
    """A browser's own calls, with the endpoints' cookie.

    Args:
        site: the site.
        browser: whose session it is.
        fields: of the login's response.
    """

    def __init__(self, site: Site, browser: Browser, fields: Headers) -> None:
        self._site = site
        self._browser = browser
        named = [value.partition(";")[0] for name, value in fields if name == "set-cookie"]
        self.main, self._own = named
        self.offer = dict(fields)["secure-session-registration"]

    def ask(self, path: str, proof: str | None, identifier: str | None = None) -> Response:
        asked = EndpointRequest(path, "POST", self._own, proof, identifier)
        flow = answer(self._browser.config, OPTION.settings, asked)
        try:
            operation = next(flow)
            while True:
                assert not isinstance(operation, CallApplication)
                operation = flow.send(self._site.send(operation))
        except StopIteration as done:
            answered: Response = done.value
            return answered


def _quoted(field: str, which: int) -> str:
    return field.split('"')[which]


@pytest.mark.parametrize("options", [{}, {"encryption": b"k" * 32, "namespace": "shop"}])
def test_b23_a_session_is_bound_once_and_refreshed_once_for_each_proof(
    site: Site, ada: str, options: dict[str, Any]
) -> None:
    browser = site.browser(device_bound=OPTION, **options)
    request = browser.open()
    request.session.login(ada)
    calls = Calls(site, browser, request.finish())
    key = DeviceKey()

    challenge = _quoted(calls.offer, 3)
    registered = calls.ask(REGISTER, key.registration(challenge))
    assert registered.status == 200
    assert calls.ask(REGISTER, DeviceKey().registration(challenge)).status == 409
    identifier = _quoted(registered.body.decode(), 3)

    site.clock.advance(GRACE_SECONDS)
    browser.cookie = calls.main
    assert browser.user_id() is None
    bound = dict(registered.headers)["set-cookie"].partition(";")[0]
    browser.cookie = f"{calls.main}; {bound}"
    assert browser.user_id() == ada

    site.clock.advance(600)
    assert browser.user_id() is None
    challenged = calls.ask(REFRESH, None, identifier)
    proof = key.refresh(_quoted(dict(challenged.headers)["secure-session-challenge"], 1))
    refreshed = calls.ask(REFRESH, proof, identifier)
    assert (challenged.status, refreshed.status) == (403, 200)
    assert calls.ask(REFRESH, proof, identifier).status == 403
    browser.cookie = f"{calls.main}; {dict(refreshed.headers)['set-cookie'].partition(';')[0]}"
    assert browser.user_id() == ada

    site.call("revoke_user", ada)
    assert calls.ask(REFRESH, proof, identifier).status == 401
