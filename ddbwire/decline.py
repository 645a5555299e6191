"""When the lean wire stands back and botocore carries the calls.

Whatever hooks into a request between botocore's client and the socket would be passed over by a
wire of our own, so its presence decides. Looked for once, on a request that is never sent.
"""

from typing import Any

from botocore.awsrequest import AWSRequest
from botocore.utils import get_environ_proxies

from ddbwire.endpoint import Endpoint

_SCHEMES = {True: "https", False: "http"}


def reason_to_decline(client: Any, endpoint: Endpoint, captured: dict[str, Any]) -> str | None:
    """Why botocore must carry the calls; None if nothing stands in the way.

    ``captured`` is the request as botocore's before-call event showed it, empty if it did not.
    """
    if not captured:
        return "before-call hook"
    if endpoint.path:
        return "endpoint with a path"
    config = client.meta.config
    if config.client_cert:
        return "client certificate"
    if _proxied(config, endpoint):
        return "proxy"
    return _signing_reason(client, captured) or _sending_reason(client, captured)


def _proxied(config: Any, endpoint: Endpoint) -> bool:
    proxies = config.proxies
    if proxies is None:
        proxies = get_environ_proxies(endpoint.url)
    return bool(proxies.get(_SCHEMES[endpoint.secure]))


def _signing_reason(client: Any, captured: dict[str, Any]) -> str | None:
    context = captured.get("context", {})
    version = context.get("auth_type") or client.meta.config.signature_version
    if version != "v4":
        return f"signature version {version}"
    event = {
        "signing_name": "dynamodb",
        "region_name": client.meta.region_name,
        "signature_version": version,
    }
    emit = client.meta.events.emit
    chosen = emit("choose-signer.dynamodb.UpdateItem", context=context, **event)
    if any(answer is not None for _handler, answer in chosen):
        return "choose-signer hook"
    handlers = emit(
        "before-sign.dynamodb.UpdateItem",
        request=_probe(captured),
        request_signer=captured["request_signer"],
        operation_name="UpdateItem",
        **event,
    )
    return "before-sign hook" if handlers else None


def _sending_reason(client: Any, captured: dict[str, Any]) -> str | None:
    probe = _probe(captured).prepare()
    headers = dict(probe.headers)
    answers = client.meta.events.emit("before-send.dynamodb.UpdateItem", request=probe)
    answered = any(answer is not None for _handler, answer in answers)
    if answered or dict(probe.headers) != headers or probe.url != captured["url"]:
        return "before-send hook"
    return None


def _probe(captured: dict[str, Any]) -> AWSRequest:
    return AWSRequest(
        method=captured["method"],
        url=captured["url"],
        headers=dict(captured["headers"]),
        data=captured["body"],
    )
