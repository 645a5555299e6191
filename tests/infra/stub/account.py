"""What an AWS account holds between two commands of Terraform, as far as the data sources tell.

A stub that is shared by all tests holds none: their tables have one name, and each has its own
state. A test of what the account knows starts a stub of its own: ``provider.py --account``.
"""

from __future__ import annotations

import threading
from typing import Any

State = dict[str, Any]


class Account:
    """The tables and indexes that are there.

    Args:
        holds: whether anything is held; without it, the account always looks empty.
    """

    def __init__(self, *, holds: bool) -> None:
        self._holds = holds
        self._tables: dict[str, State] = {}
        self._indexes: dict[str, dict[str, State]] = {}
        # Terraform applies several resources at once.
        self._lock = threading.Lock()

    def applied(self, type_name: str, prior: State | None, state: State | None) -> None:
        """Note what became of a resource."""
        if not self._holds:
            return
        with self._lock:
            if type_name == "aws_dynamodb_table":
                if prior is not None:
                    self._tables.pop(prior["name"], None)
                if state is not None:
                    self._tables[state["name"]] = state
            elif type_name == "aws_dynamodb_global_secondary_index":
                if prior is not None:
                    self._indexes.setdefault(prior["table_name"], {}).pop(prior["index_name"], None)
                if state is not None:
                    self._indexes.setdefault(state["table_name"], {})[state["index_name"]] = state

    def table(self, name: str) -> State | None:
        """A table as the provider read it last."""
        return self._tables.get(name)

    def table_names(self) -> list[str]:
        """What ListTables would tell."""
        return sorted(self._tables)

    def index_names(self, table_name: str) -> set[str]:
        """The global secondary indexes of a table."""
        return set(self._indexes.get(table_name, ()))

    def indexes(self, table_name: str) -> list[State]:
        """The same, each as the provider read it last."""
        return list(self._indexes.get(table_name, {}).values())
