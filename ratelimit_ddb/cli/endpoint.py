"""Where DynamoDB is for a command, and as whom it goes there."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from botocore.session import Session

_DUMMY_REGION = "us-east-1"
_DUMMY_KEY = "local"
_CONNECT_SECONDS = 5
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A DynamoDB endpoint.

    Attributes:
        session: botocore's, with the region and the credentials in it.
        client: botocore's, for this endpoint.
        url: its address, as botocore resolved it.
        made_up: what had to be made up for a loopback endpoint: ``"credentials"``, ``"region"``.
    """

    session: Session
    client: Any
    url: str
    made_up: tuple[str, ...]

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine: an emulator."""
        return is_loopback(self.url)

    def __str__(self) -> str:
        made_up = f", made-up {' and '.join(self.made_up)}" if self.made_up else ""
        return f"{self.url} ({self.client.meta.region_name}{made_up})"


def resolve(endpoint_url: str | None, region: str | None) -> Endpoint:
    """The endpoint that the options and botocore's own configuration lead to.

    Raises:
        botocore.exceptions.BotoCoreError: there is no region, say; a loopback endpoint needs none.
    """
    import botocore.session  # 100 ms that --help need not spend
    from botocore.config import Config

    session = botocore.session.get_session()
    if region is not None:
        session.set_config_variable("region", region)
    made_up: tuple[str, ...] = ()
    if endpoint_url is not None and is_loopback(endpoint_url):
        made_up = _make_up_what_is_missing(session)
    config = Config(connect_timeout=_CONNECT_SECONDS, retries={"total_max_attempts": _TRIES})
    client = session.create_client("dynamodb", endpoint_url=endpoint_url, config=config)
    return Endpoint(session, client, client.meta.endpoint_url, made_up)


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine's loopback, by name or by number."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _make_up_what_is_missing(session: Session) -> tuple[str, ...]:
    """An emulator takes any region and credentials, but botocore does not go without."""
    made_up = []
    # Asking the instance metadata service would cost seconds where there is none.
    session.get_component("credential_provider").remove("iam-role")
    if session.get_credentials() is None:
        session.set_credentials(_DUMMY_KEY, _DUMMY_KEY)
        made_up.append("credentials")
    if session.get_config_variable("region") is None:
        session.set_config_variable("region", _DUMMY_REGION)
        made_up.append("region")
    return tuple(made_up)
