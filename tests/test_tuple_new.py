"""Each call of ``tuple_new`` gives as many values as the class has fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import ddbwire
import ratelimit_ddb
from ddbwire.tuple_new import tuple_new
from ratelimit_ddb.bucket.decision import Decision
from ratelimit_ddb.bucket.observations import Observation

PACKAGES = (Path(ddbwire.__file__).parent, Path(ratelimit_ddb.__file__).parent)


def calls() -> Iterator[tuple[str, int, str, ast.expr]]:
    """Each call of ``tuple_new`` in the packages: module, line, class, values."""
    for package, file in [(one, file) for one in PACKAGES for file in sorted(one.rglob("*.py"))]:
        module = ".".join(file.relative_to(package.parent).with_suffix("").parts)
        text = file.read_text(encoding="utf-8")
        if "tuple_new(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tuple_new":
                class_, values = node.args
                assert isinstance(class_, ast.Name)
                yield module, node.lineno, class_.id, values


CALLS = list(calls())


@pytest.mark.parametrize(
    ("module", "name", "values"),
    [(module, name, values) for module, _, name, values in CALLS],
    ids=[f"{module}:{line}" for module, line, _, _ in CALLS],
)
def test_each_value_has_its_field(module: str, name: str, values: ast.expr) -> None:
    fields = getattr(import_module(module), name)._fields
    assert isinstance(values, ast.Tuple)
    assert not any(isinstance(value, ast.Starred) for value in values.elts)
    assert len(values.elts) == len(fields)


def test_it_makes_what_the_class_makes() -> None:
    observation = tuple_new(Observation, (1, (2,), 3, ()))
    assert type(observation) is Observation
    assert observation == Observation(
        observed_at_ns=1, full_at_ns=(2,), expires_at_seconds=3, names=()
    )
    assert (observation.observed_at_ns, observation.full_at_ns) == (1, (2,))


def test_decisions_are_made_with_it() -> None:
    assert Decision.__name__ in {name for _, _, name, _ in CALLS}
