"""The session's cookie: its attributes, checked when they are configured, and its header field.

Source: RFC 6265bis, 4.1.2 (attributes), 4.1.3 (name prefixes), 5.5 and 5.6 (limits); OWASP Session
Management Cheat Sheet, "Cookies".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

SameSite = Literal["Lax", "Strict", "None"]

LONGEST_NAME_AND_VALUE = 4_096
LONGEST_VALUE = 43 + 1 + 43
"""A token and its MAC."""

LONGEST_ATTRIBUTE = 1_024
"""Browsers ignore an attribute with a longer value (RFC 6265bis, 5.6)."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_PATH = re.compile(r"/[\x20-\x3a\x3c-\x7e]*", re.ASCII)
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """How the cookie is set. It is always HttpOnly: scripts have no use for a token.

    Attributes:
        name: with the prefix ``__Host-`` browsers take it only from this very host, over TLS, for
            all paths; ``__Secure-`` only over TLS.
        secure: whether browsers send it over TLS only. False is for plain http on localhost, with a
            name without prefix.
        same_site: ``"Lax"``, ``"Strict"``, or ``"None"`` for pages that others embed.
        path: which paths it is sent to.
        domain: the host and all below it that it is sent to; None for the very host alone.
        persistent: whether it outlives the browser's own session, for the session's lifetime.

    Raises:
        TypeError, ValueError: attributes that browsers would refuse, alone or together.
    """

    name: str = "__Host-session"
    secure: bool = True
    same_site: SameSite = "Lax"
    path: str = "/"
    domain: str | None = None
    persistent: bool = False

    def __post_init__(self) -> None:
        _require_texts(self)
        if not _TOKEN.fullmatch(self.name):
            raise ValueError(f"cookie name {self.name!r}: letters, digits and !#$%&'*+-.^_`|~")
        if len(self.name) + LONGEST_VALUE > LONGEST_NAME_AND_VALUE:
            raise ValueError(
                f"cookie name of {len(self.name)} characters: name and value together have at "
                f"most {LONGEST_NAME_AND_VALUE}"
            )
        if self.same_site not in ("Lax", "Strict", "None"):
            raise ValueError(f"same_site {self.same_site!r}: 'Lax', 'Strict' or 'None'")
        if self.same_site == "None" and not self.secure:
            raise ValueError("same_site 'None': browsers take it only with secure=True")
        if not _PATH.fullmatch(self.path):
            raise ValueError(f"path {self.path!r}: it begins with '/' and has no ';'")
        if len(self.path) > LONGEST_ATTRIBUTE:
            raise ValueError(f"path of {len(self.path)} characters: at most {LONGEST_ATTRIBUTE}")
        if self.domain is not None and not _DOMAIN.fullmatch(self.domain):
            raise ValueError(f"domain {self.domain!r}: a name such as 'example.com' is needed")
        self._require_what_the_prefix_promises()

    def _require_what_the_prefix_promises(self) -> None:
        # Browsers compare prefixes whatever their case (RFC 6265bis, 5.7).
        name = self.name.lower()
        if name.startswith(("__host-", "__secure-")) and not self.secure:
            raise ValueError(f"cookie name {self.name!r}: its prefix needs secure=True")
        if name.startswith("__host-") and (self.path != "/" or self.domain is not None):
            raise ValueError(f"cookie name {self.name!r}: its prefix needs path='/' and no domain")

    def set_to(self, value: str, max_age_seconds: int) -> str:
        """The Set-Cookie field that sets it. The age counts only where it is persistent."""
        age = f"; Max-Age={max_age_seconds}" if self.persistent else ""
        return f"{self.name}={value}{age}{self._attributes()}"

    def cleared(self) -> str:
        """The Set-Cookie field that removes it, with the same attributes or it would not."""
        gone = "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
        return f"{self.name}=; {gone}{self._attributes()}"

    def value_in(self, header: str | None) -> str | None:
        """Its value in a Cookie field, the first of that name; None where there is none.

        Only SP and HTAB are white space there (RFC 6265, 5.2). A browser keeps a cookie that any
        other one precedes for one of another name, without the duties of ``__Host-``.
        """
        for pair in (header or "").split(";"):
            name, equals, value = pair.partition("=")
            if equals and name.strip(" \t") == self.name:
                return value.strip(" \t")
        return None

    def _attributes(self) -> str:
        domain = f"; Domain={self.domain}" if self.domain else ""
        secure = "; Secure" if self.secure else ""
        return f"; Path={self.path}{domain}{secure}; HttpOnly; SameSite={self.same_site}"


def _require_texts(cookie: Cookie) -> None:
    for what in ("name", "path"):
        if not isinstance(getattr(cookie, what), str):
            raise TypeError(f"cookie {what} {getattr(cookie, what)!r}: a text is needed")
    if cookie.domain is not None and not isinstance(cookie.domain, str):
        raise TypeError(f"cookie domain {cookie.domain!r}: a text is needed, or None")
    for what in ("secure", "persistent"):
        if not isinstance(getattr(cookie, what), bool):
            raise TypeError(f"cookie {what} {getattr(cookie, what)!r}: True or False")
