"""What every test may lean on: no stray AWS settings, and the real engine where it can be had."""

from __future__ import annotations

import gc
import importlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from tests import botocore_handlers, dynamodb_local, moto_hook, service_models

# A machine that pauses makes an example late, and late is no failure.
settings.register_profile("unhurried", settings.default, deadline=None)
# For those who ask only whether a test fails, and the same each time.
settings.register_profile(
    "verdict",
    settings.get_profile("unhurried"),
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unhurried"))

TESTS = Path(__file__).parent

service_models.read_once()
botocore_handlers.register_quickly()

# Until all tests are collected: a third of the time would go into looking for what nobody needs
# among a million objects that stay.
gc.disable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no file for ``-m alone`` that has no such test: that takes longer than they do."""
    if config.option.markexpr != "alone" or collection_path.suffix != ".py":
        return None
    return "pytest.mark.alone" not in collection_path.read_text(encoding="utf-8") or None


def pytest_sessionstart(session: pytest.Session) -> None:
    """Have each worker of a whole run begin its imports at a file of its own.

    In a fresh clone the first import of a file compiles it, which takes longer than all other
    imports do. Workers that collect in the same order would each compile every file.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
    if not workers or session.config.args != session.config.getini("testpaths"):
        return
    worker = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    files = sorted(TESTS.rglob("test_*.py"))
    first = len(files) * worker // workers
    for file in files[first:] + files[:first]:
        importlib.import_module(".".join(file.relative_to(TESTS.parent).with_suffix("").parts))


def pytest_collection_finish() -> None:
    """Once all tests are imported and collected."""
    gc.collect()
    gc.freeze()  # or each collection of rubbish looks through all of them again
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Before the first fixture of each test."""
    moto_hook.only_while_it_mocks()


@pytest.fixture(autouse=True)
def _aws_settings_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT interrupts this process and its children, also in a run that ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def dynamodb_endpoint() -> Iterator[str]:
    """The URL of a real engine: DYNAMODB_ENDPOINT_URL, or DynamoDB Local started here."""
    given = os.environ.get("DYNAMODB_ENDPOINT_URL")
    if given:
        yield given
        return
    if reason := dynamodb_local.missing():
        if os.environ.get("REQUIRE_ENGINE"):
            pytest.fail(f"{reason}: this run {dynamodb_local.HOW_TO_GET_IT}")
        pytest.skip(f"{reason}: {dynamodb_local.HOW_TO_GET_IT}")
    with dynamodb_local.running() as url:
        yield url
