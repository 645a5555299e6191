"""Django's database backend of sessions, with a table of DynamoDB's in place of the database's."""

from __future__ import annotations

import time
from typing import Any

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError

from bench.session_contenders.peer_table import DATA, EXPIRES, KEY, created

_table: dict[str, Any] = {}


def use(endpoint_url: str, name: str) -> None:
    """Keep sessions in this table."""
    _table.update(client=created(endpoint_url, name), name=name)


class SessionStore(SessionBase):
    """One item a session; a save asks that it is there, a creation that it is not."""

    def load(self) -> dict[str, Any]:
        item = _call("get_item", Key=_key(self.session_key), ConsistentRead=True).get("Item", {})
        if int(item.get(EXPIRES, {"N": "0"})["N"]) <= time.time():
            self._session_key = None
            return {}
        data: dict[str, Any] = self.decode(item[DATA]["S"])
        return data

    def exists(self, session_key: str) -> bool:
        return "Item" in _call("get_item", Key=_key(session_key), ConsistentRead=True)

    def create(self) -> None:
        while True:
            self._session_key = self._get_new_session_key()
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        if self.session_key is None:
            self.create()
            return
        data = self.encode(self._get_session(no_load=must_create))
        expires = int(time.time()) + self.get_expiry_age()
        item = {**_key(self.session_key), DATA: {"S": data}, EXPIRES: {"N": str(expires)}}
        condition = f"attribute_{'not_' if must_create else ''}exists({KEY})"
        try:
            _call("put_item", Item=item, ConditionExpression=condition)
        except _table["client"].exceptions.ConditionalCheckFailedException as error:
            raise (CreateError if must_create else UpdateError) from error

    def delete(self, session_key: str | None = None) -> None:
        session_key = session_key or self.session_key
        if session_key is not None:
            _call("delete_item", Key=_key(session_key))

    @classmethod
    def clear_expired(cls) -> None:
        """Nothing: the table's time to live does it."""


def _key(session_key: str | None) -> dict[str, Any]:
    return {KEY: {"S": session_key}}


def _call(operation: str, **arguments: Any) -> dict[str, Any]:
    reply: dict[str, Any] = getattr(_table["client"], operation)(
        TableName=_table["name"], **arguments
    )
    return reply
