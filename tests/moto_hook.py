"""moto's hook in botocore: there while it mocks, and not for good.

moto hooks itself into every client when it is imported, and where anything is hooked in, botocore
carries the calls. So one test that imports it would keep the lean wire from all others of its run.
"""

from __future__ import annotations

import sys
from functools import wraps
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS


def only_while_it_mocks() -> None:
    """Take the hook out, if moto has been imported, and have its mocks put it in and out."""
    if "moto" not in sys.modules:
        return
    from moto.core.models import RESPONSES_METHODS, MockAWS, botocore_stubber

    hook = ("before-send", botocore_stubber)
    if hook not in BUILTIN_HANDLERS or botocore_stubber.enabled:
        return
    BUILTIN_HANDLERS.remove(hook)
    if hasattr(MockAWS.start, "__wrapped__"):
        return
    # Each mock would prepare for what ``requests`` sends to any service, and nothing here does.
    RESPONSES_METHODS.clear()
    start, stop = MockAWS.start, MockAWS.stop

    @wraps(start)
    def hooking(mock: MockAWS, *args: Any, **options: Any) -> None:
        if hook not in BUILTIN_HANDLERS:
            BUILTIN_HANDLERS.append(hook)
        start(mock, *args, **options)

    @wraps(stop)
    def unhooking(mock: MockAWS, *args: Any, **options: Any) -> None:
        stop(mock, *args, **options)
        if not botocore_stubber.enabled:
            BUILTIN_HANDLERS.remove(hook)

    for name, wrapped in (("start", hooking), ("stop", unhooking)):
        setattr(MockAWS, name, wrapped)
