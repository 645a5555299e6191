"""The endpoint and the credentials of a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ddbwire.endpoint import Endpoint as EndpointURL
from ddbwire.endpoint import without_user_information
from ddbwire.shared.command_line.failure import Misuse

_CONNECT_SECONDS = 5
_TRIES = 3
_REFUSED_ENDPOINTS = ("Invalid endpoint", "Invalid IPv6 URL", "endpoint ")
"""The beginnings of messages about an endpoint: of botocore, of the standard library, of ours."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A DynamoDB endpoint.

    Attributes:
        client: botocore's client for this endpoint.
        url: its URL, as botocore resolved it, without user information.
        defaulted: what has a default, for a loopback endpoint: ``"credentials"``, ``"region"``.
        is_loopback: whether it is on this host: an emulator.
    """

    client: Any
    url: str
    defaulted: tuple[str, ...]
    is_loopback: bool

    def __str__(self) -> str:
        default = f", made-up {' and '.join(self.defaulted)}" if self.defaulted else ""
        return f"{self.url} ({self.client.meta.region_name}{default})"


def resolve(endpoint_url: str | None, region: str | None) -> Endpoint:
    """The endpoint that the options and botocore's own configuration lead to.

    Raises:
        botocore.exceptions.BotoCoreError: for example, there is no region; a loopback endpoint
            needs none.
        Misuse: the configured endpoint is not a URL.
        ConfigurationError: something else in the configuration can't be used.
    """
    from botocore.config import Config  # 100 ms that --help need not spend

    from ddbwire.resolution.emulator import client_settings, is_loopback
    from ddbwire.resolution.mistakes import as_mistake

    config = Config(connect_timeout=_CONNECT_SECONDS, retries={"total_max_attempts": _TRIES})
    with as_mistake("DynamoDB can't be asked"):
        try:
            known = client_settings(None, region, endpoint_url)
            client = known.client(endpoint_url, config)
            EndpointURL.of(client.meta.endpoint_url)
        except ValueError as refused:
            if not str(refused).startswith(_REFUSED_ENDPOINTS):
                raise  # for example, by a credentials' provider
            raise Misuse(
                f"{without_user_information(str(refused))}: give --endpoint-url, or mend "
                "AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_DYNAMODB or the profile's endpoint_url"
            ) from refused
    url = client.meta.endpoint_url
    return Endpoint(client, without_user_information(url), known.defaulted, is_loopback(url))
