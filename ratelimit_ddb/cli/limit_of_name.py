"""The limit that an attribute of an item is of, by the attribute's name.

A limit without a name of its own is named by its notation (limit.py, quota.py), so it can be read
back. What a name was given to, only who gave it knows.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ratelimit_ddb.limit import AnyLimit, Limit
from ratelimit_ddb.quota import Quota

_QUOTA = re.compile(
    r"(?P<quantity>[0-9]+)-per-calendar-(?P<period>[a-z]+)"
    r"(?: -in-(?P<zone>.+?) )? (?: -anchor-(?P<anchor>[0-9-]+) )?",
    re.VERBOSE | re.ASCII,
)


@lru_cache(maxsize=1_024)
def limit_of_name(name: str) -> AnyLimit | None:
    """The limit whose name this is by itself; None where it is a name that somebody gave."""
    try:
        limit = _parsed(name)
    except ValueError:
        return None
    return limit if limit.name == name else None


def _parsed(name: str) -> AnyLimit:
    quota = _QUOTA.fullmatch(name)
    if quota is None:
        return Limit.parse(name.replace("-", " "))
    zone = "" if quota["zone"] is None else f" in {quota['zone']}"
    anchor = "" if quota["anchor"] is None else f" anchor {quota['anchor']}"
    return Quota.parse(f"{quota['quantity']} per calendar {quota['period']}{zone}{anchor}")
