"""Failures to connect that are mistakes of configuration, and how to correct each.

A name that does not exist, or a certificate that is not trusted, stays so until somebody corrects
the configuration; but only before the first success. After that, it is an outage.
"""

import socket
import ssl

from ddbwire.steps import NoResponse

_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""The errors of getaddrinfo for a name that does not exist, without those of a failing resolver.

Source: getaddrinfo(3).
"""

_CUT_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""The errors of a handshake that ended without a reason, as in an outage."""


def connect_failure(error: BaseException) -> NoResponse:
    """The failure for an exception that was raised before anything was sent."""
    return NoResponse(
        f"connecting: {error}", sent=False, misconfiguration=misconfiguration_in(error)
    )


def misconfiguration_in(error: BaseException | None) -> str:
    """What is wrong with the endpoint, and how to correct it; empty if it is an outage.

    It also checks the causes of the exception, since botocore and urllib3 wrap it.
    """
    while error is not None:
        if isinstance(error, socket.gaierror) and error.errno in _NO_SUCH_NAME:
            return (
                f"its host name does not resolve ({error}); check the region and the endpoint URL, "
                "and that this host's DNS knows the name"
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"its certificate is refused ({error.verify_message}); it must be valid, for this "
                "host name, and signed by an authority in the CA bundle: for one of your own, set "
                "AWS_CA_BUNDLE, or ca_bundle in the profile"
            )
        if isinstance(error, ssl.SSLError) and not isinstance(error, _CUT_OFF):
            return (
                f"the TLS handshake fails ({error.reason or error}); the endpoint must support TLS "
                "1.2 or later: check the port, and whether the URL must begin with http://"
            )
        error = error.__cause__ or error.__context__
    return ""
