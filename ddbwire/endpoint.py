"""The endpoint of requests. botocore resolves it, so that all of its configuration counts."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_SPACE = re.compile(r"[\s\x00-\x1f]")
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_HOST_NAME = re.compile(rf"(?=.{{1,255}}\Z)(?:{_LABEL}\.)*{_LABEL}\.?", re.ASCII)
"""The host names that botocore accepts."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_USER_INFORMATION = re.compile(r"""(?<=Invalid endpoint: ).*@|(?<=//)[^/?#\s"']*@""", re.DOTALL)
"""In a URL; and whatever is before an @ where botocore says that a text is no URL."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The parts of an endpoint's URL."""

    url: str
    """Without user information, which no message must contain."""
    secure: bool
    """Whether it is reached over TLS."""
    host: str
    """The name or address to connect to; an IPv6 address without brackets, with its zone."""
    port: int
    host_header: str
    """The Host header: brackets round an IPv6 address, the port unless it is the default.

    Without the zone of an address, which only this host knows (RFC 6874, section 1).
    """
    tls_name: str
    """The name that its certificate must have: no zone, and no dot at the end."""
    path: str
    """Empty for the root."""
    query: str
    """Mostly empty."""

    @classmethod
    def of(cls, url: str) -> "Endpoint":
        """Parse ``url``.

        Raises:
            TypeError, ValueError: it is not an http or https URL with a host.
        """
        if not isinstance(url, str):
            raise TypeError(f"endpoint {url!r} must be a str")
        shown = url.rpartition("@")[2]  # a password may have any character
        try:
            parts = urlsplit(url)
            host, given_port = parts.hostname, parts.port
        except ValueError:  # an invalid port, or a missing bracket
            host = None
        if not host or parts.scheme not in _DEFAULT_PORTS or given_port == 0:
            raise ValueError(
                f"endpoint {shown!r} must be an http or https URL with a host and, if with a port, "
                "one from 1 to 65535"
            )
        if _SPACE.search(url) or not (":" in host or _HOST_NAME.fullmatch(host)):
            raise ValueError(
                f"endpoint {shown!r} must be a URL without spaces, whose host has letters, digits, "
                "'.' and '-' alone: no '_', and international names as 'xn--...'"
            )
        # In a URL the zone of an IPv6 address follows "%25" (RFC 6874), or "%" as people write it.
        name, _, zone = host.partition("%")
        if zone:
            host = f"{name}%{zone.removeprefix('25')}"
        default_port = _DEFAULT_PORTS[parts.scheme]
        port = default_port if given_port is None else given_port
        named = f"[{name}]" if ":" in name else name
        return cls(
            url=without_user_information(url),
            secure=parts.scheme == "https",
            host=host,
            port=port,
            host_header=named if port == default_port else f"{named}:{port}",
            tls_name=name.removesuffix("."),
            path=parts.path.rstrip("/"),
            query=parts.query,
        )


def without_user_information(text: str) -> str:
    """A text as messages may contain it: the URLs in it without users and passwords."""
    return _USER_INFORMATION.sub("", text)
