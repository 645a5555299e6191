"""Users without a database: any number is the primary key of one."""

from __future__ import annotations

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import AnonymousUser, User
from django.utils.asyncio import async_unsafe

__all__ = ["Accounts", "AnonymousUser", "User"]


class Accounts(BaseBackend):
    """Refuses, as a database does, to be asked by an event loop."""

    @async_unsafe("users are not for event loops")
    def get_user(self, user_id: int) -> User:
        return User(pk=user_id, username=f"user-{user_id}")
