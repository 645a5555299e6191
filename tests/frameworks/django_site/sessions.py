"""Sessions in the process's memory that refuse, as a database does, to be loaded by a loop."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import cache
from django.utils.asyncio import async_unsafe


class SessionStore(cache.SessionStore):
    @async_unsafe("sessions are not for event loops")
    def load(self) -> Any:
        return super().load()
