"""botocore's handlers: each session registers a hundred of them, which takes half of its time."""

from __future__ import annotations

import inspect
from typing import Any

from botocore import hooks


def register_quickly() -> None:
    """Have botocore see by a flag whether a handler takes any keyword, and tell each name once."""
    module: Any = hooks
    module.accepts_kwargs = _accepts_kwargs
    module.EventAliaser.__init__ = _begin


_names: dict[str, str] = {}
"""What each event's name stands for, by botocore's own aliases."""
_accepts_kwargs_by_signature: Any = hooks.accepts_kwargs
_begin_alone: Any = hooks.EventAliaser.__init__


def _accepts_kwargs(handler: Any) -> bool:
    code = getattr(handler, "__code__", None)
    if code is None:
        return bool(_accepts_kwargs_by_signature(handler))
    return bool(code.co_flags & inspect.CO_VARKEYWORDS)


def _begin(self: Any, event_emitter: Any, event_aliases: Any = None) -> None:
    _begin_alone(self, event_emitter, event_aliases)
    if self._event_aliases == hooks.EVENT_ALIASES:
        self._alias_name_cache = _names
