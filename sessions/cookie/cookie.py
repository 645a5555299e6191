"""The session's cookie: its attributes, checked when they are configured, and its header field.

Source: RFC 6265bis, 4.1.2 (attributes), 4.1.3 (name prefixes), 5.5 and 5.6 (limits); OWASP Session
Management Cheat Sheet, "Cookies"; the W3C's draft "Cookies Having Independent Partitioned State".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ddbwire.arguments import plain_text, shown
from sessions.arguments import require_bool, require_str, require_str_or_none

SameSite = Literal["Lax", "Strict", "None"]

MAX_NAME_AND_VALUE_CHARACTERS = 4_096
MAX_VALUE_CHARACTERS = 43 + 1 + 43
"""A token and its MAC."""

MAX_ATTRIBUTE_CHARACTERS = 1_024
"""Browsers ignore an attribute with a longer value (RFC 6265bis, 5.6)."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_PATH = re.compile(r"/([\x20-\x3a\x3c-\x7e]*[\x21-\x3a\x3c-\x7e])?", re.ASCII)
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})+", re.ASCII)
"""A name of the DNS. Source: RFC 1123, 2.1; RFC 1035, 2.3.4 (lengths)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """The cookie's name and attributes. It is always HttpOnly: scripts have no use for a token.

    ``Cookie(name="id", secure=False)`` is for development on plain http.

    Attributes:
        name: the name. With the prefix ``__Host-``, browsers accept the cookie only from the host
            itself, over TLS, for all paths; with ``__Secure-`` or ``__Http-`` only over TLS.
        secure: whether browsers send it over TLS only. False is for plain http on localhost, with a
            name without a prefix.
        same_site: ``"Lax"``, ``"Strict"``, or ``"None"`` for pages that other sites embed.
        path: the path that it is sent to, with all paths below it, such as ``"/shop"``.
        domain: the domain that it is sent to, with all hosts below it, such as ``"example.com"``;
            None for only the host that set it.
        persistent: whether it has a Max-Age, the rest of the session's lifetime, such as 43_200;
            otherwise it ends with the browser's own session.
        partitioned: whether an embedded page has one cookie for each site that embeds it (CHIPS),
            with ``same_site="None"``. A logout removes only the cookie of the embedding site.

    Raises:
        TypeError, ValueError: attributes that browsers would refuse, alone or together.
    """

    name: str = "__Host-session"
    secure: bool = True
    same_site: SameSite = "Lax"
    path: str = "/"
    domain: str | None = None
    persistent: bool = False
    partitioned: bool = False

    def __post_init__(self) -> None:
        _require_types(self)
        for attribute in ("name", "path", "domain"):
            text = getattr(self, attribute)
            object.__setattr__(self, attribute, None if text is None else plain_text(text))
        if not _TOKEN.fullmatch(self.name):
            raise ValueError(
                f"cookie name must have letters, digits and !#$%&'*+-.^_`|~ only, not {self.name!r}"
            )
        if len(self.name) + MAX_VALUE_CHARACTERS > MAX_NAME_AND_VALUE_CHARACTERS:
            raise ValueError(
                f"cookie name of {len(self.name)} characters: name and value together must have at "
                f"most {MAX_NAME_AND_VALUE_CHARACTERS}"
            )
        if self.same_site not in ("Lax", "Strict", "None"):
            raise ValueError(f"same_site must be 'Lax', 'Strict' or 'None', not {self.same_site!r}")
        if self.same_site == "None" and not self.secure:
            raise ValueError("same_site 'None' needs secure=True: browsers refuse it otherwise")
        if self.partitioned and not self.secure:
            raise ValueError("partitioned needs secure=True: browsers refuse it otherwise")
        if not _PATH.fullmatch(self.path):
            raise ValueError(
                "path must start with '/', have no ';' and nothing but printable ASCII, and not "
                f"end with a space, not {self.path!r}"
            )
        if len(self.path) > MAX_ATTRIBUTE_CHARACTERS:
            raise ValueError(
                f"path must have at most {MAX_ATTRIBUTE_CHARACTERS} characters, "
                f"not {len(self.path)}"
            )
        if self.domain is not None and not _DOMAIN.fullmatch(self.domain):
            raise ValueError(
                "domain must be a name such as 'example.com', or None for the host alone, not "
                f"{shown(self.domain)}"
            )
        self._require_prefix_rules()

    def _require_prefix_rules(self) -> None:
        # Browsers compare prefixes whatever their case (RFC 6265bis, 5.7).
        name = self.name.lower()
        if name.startswith(("__host-", "__secure-", "__http-")) and not self.secure:
            raise ValueError(
                f"cookie name {self.name!r}: its prefix needs secure=True; for plain http, choose "
                "a name without one, such as 'session'"
            )
        if name.startswith("__host-") and (self.path != "/" or self.domain is not None):
            raise ValueError(
                f"cookie name {self.name!r}: its prefix needs path='/' and no domain; for another "
                "path or a domain, choose a name without it, such as 'session'"
            )

    def set_to(self, value: str, max_age_seconds: int) -> str:
        """The Set-Cookie field that sets it. The age is used only if the cookie is persistent."""
        age = f"; Max-Age={max_age_seconds}" if self.persistent else ""
        return f"{self.name}={value}{age}; {self.attributes}"

    def cleared(self) -> str:
        """The Set-Cookie field that removes it; only the same attributes remove it."""
        gone = "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
        return f"{self.name}=; {gone}; {self.attributes}"

    def values_in(self, header: str | None) -> list[str]:
        """Its values in a Cookie field, in their order.

        There may be several: for another path, or set by another host of the domain (RFC 6265bis,
        5.8.3). Only SP and HTAB are white space there (RFC 6265, 5.2): to a browser, a name that
        begins with any other white space is another name, without the rules of ``__Host-``.

        A value may be in double quotes (RFC 6265, 4.1.1): Java's clients so send the value of a
        cookie that has a Max-Age.
        """
        values = []
        for pair in (header or "").split(";"):
            name, equals, value = pair.partition("=")
            if equals and name.strip(" \t") == self.name:
                values.append(_unquoted(value.strip(" \t")))
        return values

    @property
    def place(self) -> tuple[str, str, str | None]:
        """What a browser tells cookies apart by (RFC 6265bis, 5.7)."""
        return self.name, self.path, self.domain

    @property
    def attributes(self) -> str:
        """The attributes that say where and how it is sent, as in a Set-Cookie field."""
        domain = f"; Domain={self.domain}" if self.domain else ""
        secure = "; Secure" if self.secure else ""
        partitioned = "; Partitioned" if self.partitioned else ""
        same_site = f"; SameSite={self.same_site}"
        return f"Path={self.path}{domain}{secure}; HttpOnly{same_site}{partitioned}"


def without_leading_dot(domain: str | None) -> str | None:
    """A domain from a framework's settings: browsers ignore a leading dot (RFC 6265bis, 5.6.3)."""
    return domain.removeprefix(".") if isinstance(domain, str) else domain


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return value[1:-1] if is_quoted else value


def _require_types(cookie: Cookie) -> None:
    require_str("cookie name", cookie.name)
    require_str("cookie path", cookie.path)
    require_str_or_none("cookie domain", cookie.domain)
    require_bool("cookie secure", cookie.secure)
    require_bool("cookie persistent", cookie.persistent)
    require_bool("cookie partitioned", cookie.partitioned)
