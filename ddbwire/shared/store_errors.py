"""The exceptions of the stores: an outage, or a mistake of configuration and how to correct it.

Sources: "Error handling with DynamoDB" and "Common errors", Amazon DynamoDB Developer Guide and API
Reference.
"""

from ddbwire.calls.key_schema import found_key_schema, is_of_other_keys
from ddbwire.errors import (
    AccessDenied,
    KeyThrottled,
    StoreError,
    StoreUnavailable,
    TableNotFound,
    is_transient,
    response_of,
)
from ddbwire.protocol.throttle import is_key_contended
from ddbwire.resolution.emulator import is_loopback
from ddbwire.wire import Wire

_CREDENTIALS_REFUSED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_ACCESS_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized"})
_HOW_TO_CONFIGURE = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the store a session="
)
_WAYS_OUT = {
    "ProfileNotFound": "set AWS_PROFILE to a profile of ~/.aws/config, or unset it",
    "SSOTokenLoadError": "run `aws sso login` with the profile",
    "TokenRetrievalError": "run `aws sso login` with the profile",
}
"""For exceptions of botocore that have no code, and do not say it themselves."""
_APART = (
    ". An emulator without -sharedDb keeps the tables of each access key and region apart: create "
    "it with those that the store uses"
)


def store_error(
    failure: Exception,
    *,
    table: str,
    operation: str | None,
    wire: Wire,
    keys: str,
    permissions: str,
    creation: str,
    missing: str = "it",
) -> StoreError:
    """The exception for a store to raise from ``failure``.

    Args:
        failure: one of ``wire.failures``, or an exception of ``wire.resolve``.
        table: the table's name.
        operation: the operation that failed, such as "UpdateItem"; None while resolving.
        wire: the wire of the call.
        keys: the key schema that the store needs.
        permissions: the permissions that the store needs.
        creation: how to create such a table for development: "run ...".
        missing: what may be missing if a resource is not found: the table, or more.
    """
    what = f"table {table!r}" if operation is None else f"{operation} on table {table!r}"
    code, message = error_code_and_message(failure)
    if is_transient(failure):
        contended = is_key_contended(code, response_of(failure))
        return (KeyThrottled if contended else StoreUnavailable)(f"{what}: {failure}")
    where = f"in region {wire.region_name} at {wire.endpoint_url}"
    if code == "ResourceNotFoundException":
        apart = _APART if is_loopback(wire.endpoint_url or "") else ""
        return TableNotFound(
            f"{what}: {missing} does not exist {where}; for development, {creation}{apart} "
            f"({message})"
        )
    if code in _ACCESS_DENIED:
        needed = f"{permissions}, and kms:Decrypt" if "kms:" in message else permissions
        return AccessDenied(f"{what}: the credentials need {needed} ({message})")
    if code in _CREDENTIALS_REFUSED:
        reason = (
            f"the credentials are expired, wrong or unknown {where} ({code}: {message}); "
            f"{_HOW_TO_CONFIGURE}"
        )
    elif is_of_other_keys(code, message):
        found = found_key_schema(failure)
        but = "" if found is None else f", and is {found}"
        reason = f"its key schema must be {keys}{but} ({message})"
    elif code == "ValidationException" and "specified index" in message:
        reason = f"it lacks an index; for development, {creation} ({message})"
    else:
        reason = _reason_without_code(failure)
    return StoreError(f"{what}: {reason}")


def unexpected_response(error: Exception, table: str, operation: str, wire: Wire) -> StoreError:
    """The exception for a response that is not DynamoDB's; ``error`` is that of its reader."""
    return StoreError(
        f"{operation} on table {table!r}: the reply is not what DynamoDB gives for an item of this "
        f"library ({type(error).__name__}: {error}); check that {wire.endpoint_url} is DynamoDB, "
        "and that nothing else writes to the table"
    )


def error_code_and_message(failure: Exception) -> tuple[str, str]:
    """The code and the message of DynamoDB's error; empty if ``failure`` is not one.

    For a transaction that was canceled by a ValidationError, those of that error.
    """
    response = response_of(failure)
    for reason in response.get("CancellationReasons") or ():
        if reason.get("Code") == "ValidationError":
            return "ValidationException", reason.get("Message") or ""
    error = response.get("Error", {})
    return error.get("Code", ""), error.get("Message", "")


def _reason_without_code(failure: Exception) -> str:
    kind = type(failure).__name__
    if kind in ("NoCredentialsError", "PartialCredentialsError"):
        return f"no credentials ({failure}); {_HOW_TO_CONFIGURE}"
    if kind == "NoRegionError":
        return "no region; set AWS_DEFAULT_REGION, or give region_name="
    way_out = _WAYS_OUT.get(kind)
    return f"{failure}; {way_out}" if way_out else str(failure)
