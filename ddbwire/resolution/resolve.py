"""Resolve endpoint, signing region and credentials from a session, by botocore itself.

A private client is made from the session and calls UpdateItem on the table; a handler stops the
call before the network. So plain, FIPS, dual-stack, account-id and configured endpoints and the
signing region are the same as for boto3. If anything is hooked into the client, it is not called,
since a hook may have effects.
"""

import os
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, cast

import botocore.httpsession
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import NoCredentialsError

from ddbwire.endpoint import Endpoint
from ddbwire.resolution.emulator import ClientSettings, client_settings
from ddbwire.resolution.fallback_reason import builtin_handlers, find_fallback_reason, find_hook
from ddbwire.resolution.mistakes import as_mistake
from ddbwire.signing.credentials import CredentialSource, load_keys

_CONNECT_TIMEOUT_SECONDS = 1.0
_READ_TIMEOUT_SECONDS = 2.0
_ANY_TABLE = "ddbwire"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The result of resolving a session."""

    client: Any
    """A private botocore client: has the exception classes; sends if there is a fallback_reason."""
    endpoint: Endpoint
    region: str
    """The region to sign for."""
    credentials: CredentialSource
    ca_bundle: str | bool
    """The file of certificate authorities to trust; False for no verification."""
    fallback_reason: str | None
    """Why botocore must send the requests; None if this package can."""
    builtin_handlers: int
    """How many handlers botocore gave every new session at that time."""


def resolve(
    session: Any,
    region_name: str | None,
    endpoint_url: str | None,
    max_connections: int,
    table: str | None = None,
) -> Resolution:
    """Resolve a boto3 or botocore session; None for botocore's default chain.

    ``table`` is the name or ARN of the table that the calls are for, by which botocore chooses the
    endpoint. For an endpoint on this host's loopback, a missing region and missing credentials have
    defaults.

    Raises:
        botocore.exceptions.BotoCoreError: such as NoRegionError or NoCredentialsError.
        ConfigurationError: the configuration has something that can't be used.
    """
    handlers = builtin_handlers()
    with as_mistake("the credentials can't be found"):
        known = client_settings(session, region_name, endpoint_url)
        source = None if known.credentials is None else _credential_source(known)
    with as_mistake("the region or the endpoint can't be used"):
        client = (known if source is None else _with_credentials(known, source)).client(
            endpoint_url,
            Config(
                retries={"total_max_attempts": 1, "mode": "standard"},
                connect_timeout=_CONNECT_TIMEOUT_SECONDS,
                read_timeout=_READ_TIMEOUT_SECONDS,
                max_pool_connections=max_connections,
            ),
        )
        if source is None:
            raise NoCredentialsError
        endpoint, region, fallback_reason = _find_endpoint(client, table or _ANY_TABLE)
    return Resolution(
        client=client,
        endpoint=endpoint,
        region=region,
        credentials=source,
        ca_bundle=_ca_bundle(known.session),
        fallback_reason=fallback_reason,
        builtin_handlers=handlers,
    )


def _credential_source(known: ClientSettings) -> CredentialSource:
    credentials = known.credentials
    reload = _reloader(known.session, credentials)
    return CredentialSource(credentials, load_keys(credentials), reload)


def _with_credentials(known: ClientSettings, source: CredentialSource) -> ClientSettings:
    """``known`` with a copy of its session whose clients sign with the keys of ``source``."""
    session = copy(known.session)
    session._credentials = source.for_botocore
    return replace(known, session=session)


def _find_endpoint(client: Any, table: str) -> tuple[Endpoint, str, str | None]:
    """The endpoint, the region to sign for, and why botocore must send the requests, if it must."""
    hook = find_hook(client)
    if hook is not None:
        return Endpoint.of(client.meta.endpoint_url), client.meta.region_name, f"{hook} hook"
    captured = _capture(client, table)
    endpoint = Endpoint.of(captured["url"])
    region = captured["context"].get("signing", {}).get("region") or client.meta.region_name
    return endpoint, region, find_fallback_reason(client, endpoint, captured)


def _reloader(session: Any, credentials: Any) -> Callable[[], Any]:
    """A function that searches the provider chain again; None for explicit credentials."""
    if credentials.method == "explicit":
        return _no_new_credentials
    load: Callable[[], Any] = session.get_component("credential_provider").load_credentials
    return load


def _no_new_credentials() -> None:
    """Explicit credentials have no provider of new ones."""


def _capture(client: Any, table: str) -> dict[str, Any]:
    """The request that botocore would sign and send."""
    captured: dict[str, Any] = {}

    def capture(params: dict[str, Any], **_event: Any) -> tuple[AWSResponse, dict[str, Any]]:
        captured.update(params)
        return AWSResponse(params["url"], 200, HTTPHeaders(), None), {}

    # Handlers of more general events are called later, and this one after all others.
    client.meta.events.register_last("before-call", capture)
    client.update_item(TableName=table, Key={"key": {"S": "ddbwire"}})
    client.meta.events.unregister("before-call", capture)
    return captured


def _ca_bundle(session: Any) -> str | bool:
    """In botocore's order: its own configuration, REQUESTS_CA_BUNDLE, the usual bundle."""
    configured = session.get_config_variable("ca_bundle")
    if configured is None:
        configured = os.environ.get("REQUESTS_CA_BUNDLE") or True
    return cast("str | bool", botocore.httpsession.get_cert_path(configured))
