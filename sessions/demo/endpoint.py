"""The DynamoDB that the options lead to, and as whom the demo goes there."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import boto3

_MADE_UP = "local"


def session_for(endpoint_url: str | None, region: str | None) -> boto3.Session:
    """A session as botocore's configuration has it; an emulator needs none.

    Args:
        endpoint_url: on this machine's loopback, what is not configured is made up.
        region: instead of the configured one.
    """
    import boto3  # slow to import, and the demo in memory goes without
    import botocore.session

    found = botocore.session.get_session()
    if region is not None:
        found.set_config_variable("region", region)
    if endpoint_url is not None and is_loopback(endpoint_url):
        # Asking the instance metadata service would cost seconds where there is none.
        found.get_component("credential_provider").remove("iam-role")
        if found.get_credentials() is None:
            found.set_credentials(_MADE_UP, _MADE_UP)
        if found.get_config_variable("region") is None:
            found.set_config_variable("region", "us-east-1")
    return boto3.Session(botocore_session=found)


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine's loopback, by name or by number."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
