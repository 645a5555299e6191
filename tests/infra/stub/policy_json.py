"""An IAM policy as the data source ``aws_iam_policy_document`` writes it."""

from __future__ import annotations

import json
from typing import Any


def policy_json(statements: list[dict[str, Any]], sources: list[str]) -> str:
    """The JSON of some statement blocks, after the statements of other policies."""
    written = [statement for source in sources for statement in json.loads(source)["Statement"]]
    written += [_statement(statement) for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": written}, indent=2)


def _statement(block: dict[str, Any]) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": block["sid"]} if block["sid"] else {}
    statement["Effect"] = block["effect"] or "Allow"
    statement["Action"] = _one_or_more(block["actions"])
    if block["resources"]:
        statement["Resource"] = _one_or_more(block["resources"])
    for principals in block["principals"] or []:
        statement.setdefault("Principal", {})[principals["type"]] = _one_or_more(
            principals["identifiers"]
        )
    conditions: dict[str, Any] = {}
    for condition in block["condition"] or []:
        values = condition["values"]
        conditions.setdefault(condition["test"], {})[condition["variable"]] = (
            values[0] if len(values) == 1 else values
        )
    if conditions:
        statement["Condition"] = conditions
    return statement


def _one_or_more(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else sorted(values)
