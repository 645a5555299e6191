"""Each requirement has a test that fails when its guard is removed: removed here, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.guards.amount_guards import AMOUNTS
from tests.guards.bearer_guards import BEARER
from tests.guards.debt_guards import DEBTS
from tests.guards.device_guards import DEVICE_BOUND
from tests.guards.django_guards import DJANGO
from tests.guards.freshness_guards import FRESHNESS
from tests.guards.function_guards import FUNCTIONS
from tests.guards.guard import TESTS_FAILED, Guard, Runner, copy_to, runner_of
from tests.guards.guards import FAULTS, REQUIREMENTS
from tests.guards.input_guards import INPUTS
from tests.guards.interleaving_guards import AT_ONCE
from tests.guards.lease_guards import LEASES
from tests.guards.limit_guards import IDENTITIES, PATHS
from tests.guards.login_guards import LOGINS
from tests.guards.operating_guards import OPERATING
from tests.guards.outage_guards import OUTAGES
from tests.guards.quota_guards import QUOTAS
from tests.guards.request_guards import REQUESTS
from tests.guards.response_guards import RESPONSES
from tests.guards.session_guards import LIVES
from tests.guards.session_store_guards import SESSION_STORES
from tests.guards.session_web_guards import SESSIONS_ON_THE_WEB
from tests.guards.single_table_guards import SINGLE_TABLE
from tests.guards.slot_guards import SLOTS
from tests.guards.stored_limits_guards import STORED_LIMITS
from tests.guards.together_guards import TOGETHER

GUARDS = (
    *DJANGO,
    *REQUIREMENTS,
    *FAULTS,
    *IDENTITIES,
    *PATHS,
    *REQUESTS,
    *FRESHNESS,
    *INPUTS,
    *RESPONSES,
    *TOGETHER,
    *AMOUNTS,
    *DEBTS,
    *QUOTAS,
    *FUNCTIONS,
    *OUTAGES,
    *LEASES,
    *STORED_LIMITS,
    *OPERATING,
    *LIVES,
    *LOGINS,
    *SLOTS,
    *AT_ONCE,
    *SESSIONS_ON_THE_WEB,
    *BEARER,
    *DEVICE_BOUND,
    *SESSION_STORES,
    *SINGLE_TABLE,
)


@dataclass(frozen=True, slots=True)
class Project:
    """A copy of the project, and who runs its tests."""

    root: Path
    runner: Runner


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    root = copy_to(tmp_path_factory.mktemp("project"))
    with runner_of(root, tmp_path_factory.mktemp("printed") / "by pytest") as runner:
        yield Project(root, runner)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.rule)
def test_a_test_fails_without(guard: Guard, project: Project) -> None:
    try:
        guard.removed_from(project.root)
        code, told = project.runner.outcome(guard.test)
    finally:
        guard.put_back_into(project.root)
    assert code == TESTS_FAILED, f"{guard.test} does not miss it:\n{told}"


def test_each_of_the_eleven_requirements_has_one() -> None:
    assert {int(guard.rule.partition(":")[0]) for guard in REQUIREMENTS} == set(range(1, 12))


def test_all_of_them_pass_with_their_guards(project: Project) -> None:
    # In an order that is the same each time: a set's is another one in each process.
    code, told = project.runner.outcome(*dict.fromkeys(guard.test for guard in GUARDS))
    assert code == 0, told
