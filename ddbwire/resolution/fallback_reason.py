"""The reason that botocore must send the requests, if it must.

This package does not call hooks between botocore's client and the socket. So if there is any such
hook, botocore sends, even if the hook only observes, or is inactive, as moto's is outside its mock.
A request that is never sent shows the other reasons.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS
from botocore.utils import get_environ_proxies

from ddbwire.endpoint import Endpoint
from ddbwire.protocol.request import OPERATIONS

_SCHEMES = {True: "https", False: "http"}

_EVENTS = (
    "provide-client-params",
    "before-parameter-build",
    "before-endpoint-resolution",
    "before-call",
    "request-created",
    "choose-signer",
    "before-sign",
    "before-send",
    "before-parse",
    "response-received",
    "needs-retry",
    "after-call",
    "after-call-error",
)
"""The events that botocore's client emits during a call, in order.

Source: botocore, ``client.py``, ``endpoint.py`` and ``signers.py``; "Extensibility guide" of boto3.
"""


def builtin_handlers() -> int:
    """How many handlers botocore gives every new session.

    The number changes when a library such as moto is imported, which adds a hook there: everything
    is resolved again then.
    """
    return len(BUILTIN_HANDLERS)


def find_hook(client: Any) -> str | None:
    """The event or the class by which other code takes part in botocore's calls; None for none.

    No hook is called to find out, since it may have effects.
    """
    for kind in type(client).__mro__[:-1]:
        if not _of_botocore(kind) or not all(map(_of_botocore, _functions(kind))):
            return "client class"
    # botocore has no public way to list the listeners.
    events = client.meta.events
    listeners = getattr(getattr(events, "_emitter", events), "_handlers", None)
    if listeners is None:
        return "unknown event system"
    for event in _EVENTS:
        for operation in sorted(OPERATIONS):
            if not all(map(_of_botocore, listeners.prefix_search(f"{event}.dynamodb.{operation}"))):
                return event
    return None


def find_fallback_reason(client: Any, endpoint: Endpoint, captured: dict[str, Any]) -> str | None:
    """Why botocore must send the requests though it has no hooks; None if it need not.

    ``captured`` is the request of botocore's before-call event.
    """
    if endpoint.path:
        return "endpoint with a path"
    if endpoint.query:
        return "endpoint with a query"
    config = client.meta.config
    if config.client_cert:
        return "client certificate"
    if _proxied(config, endpoint):
        return "proxy"
    return _signing_reason(client, captured["context"])


def _functions(kind: type) -> Iterator[object]:
    return (member for member in vars(kind).values() if callable(member))


def _of_botocore(handler: Any) -> bool:
    """Whether a function, a method, a class or a callable object is botocore's own."""
    while isinstance(handler, partial):
        handler = handler.func
    package, _, _ = str(getattr(handler, "__module__", "")).partition(".")
    return package == "botocore"


def _proxied(config: Any, endpoint: Endpoint) -> bool:
    proxies = config.proxies
    if proxies is None:
        proxies = get_environ_proxies(endpoint.url)
    return bool(proxies.get(_SCHEMES[endpoint.secure]))


def _signing_reason(client: Any, context: dict[str, Any]) -> str | None:
    version = context.get("auth_type") or client.meta.config.signature_version
    # botocore's own hooks choose it by the configuration, such as an auth scheme preference.
    chosen = client.meta.events.emit(
        "choose-signer.dynamodb.UpdateItem",
        context=context,
        signing_name="dynamodb",
        region_name=client.meta.region_name,
        signature_version=version,
    )
    for _handler, answer in chosen:
        version = answer or version
    return None if version == "v4" else f"signature version {version}"
