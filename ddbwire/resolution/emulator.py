"""The default region and credentials for an emulator on this host, if none are configured.

DynamoDB Local accepts any, but botocore requires some. Without ``-sharedDb`` it has separate tables
for each access key and region, so all parts of this project have the same default.
Source: "DynamoDB local usage notes", Amazon DynamoDB Developer Guide.
"""

import ipaddress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import NoRegionError

_REGION = "us-east-1"
_KEY = "local"


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """The session, region and credentials of a client.

    Attributes:
        session: botocore's session.
        region_name: the region; None if there is none.
        credentials: botocore's object; None if there are none.
        defaulted: what was not configured and has a default: ``"credentials"``, ``"region"``.
    """

    session: Any
    region_name: str | None
    credentials: Any
    defaulted: tuple[str, ...] = ()

    def client(self, endpoint_url: str | None, config: Config) -> Any:
        """A botocore client for DynamoDB.

        Raises:
            botocore.exceptions.NoRegionError: there is none.
        """
        if self.region_name is None:
            raise NoRegionError
        keys = {}
        if "credentials" in self.defaulted:
            keys = {"aws_access_key_id": _KEY, "aws_secret_access_key": _KEY}
        return self.session.create_client(
            "dynamodb",
            region_name=self.region_name,
            endpoint_url=endpoint_url,
            config=config,
            **keys,
        )


def client_settings(
    session: Any, region_name: str | None, endpoint_url: str | None
) -> ClientSettings:
    """The settings of a session, with defaults if the endpoint is on the loopback.

    Args:
        session: a boto3 or botocore session; None for botocore's default chain. For a loopback
            endpoint, the chain leaves out the instance metadata service: if there is none, trying
            it costs seconds.
        region_name: overrides the session's; None for that.
        endpoint_url: overrides the configured one; None for that.
    """
    if session is None:
        session = botocore.session.get_session()
        if endpoint_url is not None and is_loopback(endpoint_url):
            session.get_component("credential_provider").remove("iam-role")
    # boto3.Session wraps botocore's session, which has the components needed here.
    session = getattr(session, "_session", session)
    region_name = region_name or _configured_region(session)
    credentials = session.get_credentials()
    found = ClientSettings(session, region_name, credentials)
    if region_name is not None and credentials is not None:
        return found
    if not is_loopback(endpoint_url or _configured_endpoint(session, region_name)):
        return found
    defaulted = []
    if credentials is None:
        credentials = Credentials(_KEY, _KEY, method="explicit")
        defaulted.append("credentials")
    if region_name is None:
        region_name = _REGION
        defaulted.append("region")
    return ClientSettings(session, region_name, credentials, tuple(defaulted))


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this host's loopback, by name or by address.

    The names are those of RFC 6761, section 6.3: ``localhost``, and all that end in ``.localhost``.
    The unspecified address, ``0.0.0.0``, which connects to this host, counts too.
    """
    host = (urlsplit(url).hostname or "").removesuffix(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or address.is_unspecified


def _configured_region(session: Any) -> str | None:
    """The session's region; an empty variable, as a compose file may set it, stands for none."""
    defaults = session.get_default_client_config()
    of_defaults: str | None = getattr(defaults, "region_name", None)
    configured: str | None = session.get_config_variable("region")
    return of_defaults or configured or None


def _configured_endpoint(session: Any, region_name: str | None) -> str:
    """The endpoint that botocore is configured with, by AWS_ENDPOINT_URL_DYNAMODB for example."""
    client = session.create_client(
        "dynamodb",
        region_name=region_name or _REGION,
        config=Config(signature_version=UNSIGNED),  # which needs no credentials
    )
    url: str = client.meta.endpoint_url
    client.close()
    return url
