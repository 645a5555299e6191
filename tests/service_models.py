"""AWS's service models: megabytes of JSON, which botocore reads and parses in each new session."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session


def read_once() -> None:
    """Have all sessions of this process share what the first of them reads."""
    module: Any = botocore.session
    module.create_loader = cache(module.create_loader)
