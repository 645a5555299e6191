"""Each requirement has a test that fails when its guard is removed: removed here, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guards.amount_guards import AMOUNTS
from tests.guards.function_guards import FUNCTIONS
from tests.guards.guard import TESTS_FAILED, Guard, copy_to, outcome
from tests.guards.guards import FAULTS, REQUIREMENTS
from tests.guards.limit_guards import IDENTITIES, PATHS
from tests.guards.request_guards import REQUESTS

GUARDS = (*REQUIREMENTS, *FAULTS, *IDENTITIES, *PATHS, *REQUESTS, *AMOUNTS, *FUNCTIONS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_to(tmp_path_factory.mktemp("project"))


@pytest.fixture
def project(whole: Path) -> Iterator[Path]:
    packages = (whole / "sessions", whole / "ratelimit_ddb")
    kept = {path: path.read_bytes() for package in packages for path in package.rglob("*.py")}
    yield whole
    for path, content in kept.items():
        if path.read_bytes() != content:
            path.write_bytes(content)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.rule)
def test_a_test_fails_without(guard: Guard, project: Path) -> None:
    guard.removed_from(project)
    code, told = outcome(project, guard.test)
    assert code == TESTS_FAILED, f"{guard.test} does not miss it:\n{told}"


def test_each_of_the_eleven_requirements_has_one() -> None:
    assert {int(guard.rule.partition(":")[0]) for guard in REQUIREMENTS} == set(range(1, 12))


def test_all_of_them_pass_with_their_guards(whole: Path) -> None:
    code, told = outcome(whole, *{guard.test for guard in GUARDS})
    assert code == 0, told
