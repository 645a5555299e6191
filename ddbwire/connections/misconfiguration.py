"""Which failures to connect are mistakes of configuration, and the way out of each.

A name that does not exist and a certificate that is not trusted stay so until somebody mends the
configuration; but only at first. Later, when calls have succeeded, they are outages.
"""

import socket
import ssl

from ddbwire.steps import NoResponse

_NO_SUCH_NAME = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""What getaddrinfo says of a name that does not exist; not that it could not find out (EAI_AGAIN).

Source: getaddrinfo(3).
"""

_CUT_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""Handshakes that ended without a word about why, as in an outage."""


def connect_failure(error: BaseException) -> NoResponse:
    """The failure that an exception stands for which came before anything was sent."""
    return NoResponse(
        f"connecting: {error}", sent=False, misconfiguration=misconfiguration_in(error)
    )


def misconfiguration_in(error: BaseException | None) -> str:
    """What is wrong with the endpoint, and the way out; empty if it is an outage.

    Looks at what the exception was raised from, too: botocore and urllib3 wrap it.
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
                f"no TLS connection comes about ({error.reason or error}); it must speak TLS 1.2 "
                "or later: check the port, and whether the URL is to begin with http://"
            )
        error = error.__cause__ or error.__context__
    return ""
