"""Every variable says what it is, and every validation has a case that it refuses."""

from __future__ import annotations

import re

import pytest

from tests.infra.conftest import MakeWorkspace
from tests.infra.places import MODULE

pytestmark = pytest.mark.infra

_RUN = re.compile(r'^(?=run ")', re.MULTILINE)
_EXPECTED = re.compile(r"^  expect_failures = \[var\.(\w+)\]\n", re.MULTILINE)
_MESSAGE = re.compile(r'^    error_message = "(.+)"$', re.MULTILINE)
_VARIABLE = re.compile(r'^variable "(\w+)" \{\n.*?^\}\n', re.MULTILINE | re.DOTALL)

VARIABLES = {
    block[1]: block[0] for block in _VARIABLE.finditer((MODULE / "variables.tf").read_text())
}
MESSAGES = [message for text in VARIABLES.values() for message in _MESSAGE.findall(text)]
# Their type alone says all that can be said.
OF_A_TYPE = "  type        = bool\n"


@pytest.fixture(scope="module")
def said(make_workspace: MakeWorkspace) -> str:
    """All that Terraform says to the cases that expect a variable to be refused.

    What is expected is not shown, so nothing is expected here; and after an error the rest of a
    file is not run, so each case has a file of its own.
    """
    copy = make_workspace(MODULE)
    cases = 0
    for path in sorted(copy.folder.glob("tests/*.tftest.hcl")):
        head, *runs = _RUN.split(path.read_text())
        path.unlink()
        for run in runs:
            if _EXPECTED.search(run):
                cases += 1
                path.with_name(f"case_{cases}.tftest.hcl").write_text(head + _EXPECTED.sub("", run))
    copy.init()
    ran = copy.run("test", "-no-color")
    said = " ".join(re.sub("[│╷╵]", "", ran.out + ran.err).split())
    assert f"0 passed, {cases} failed" in said
    return said


@pytest.mark.parametrize("message", MESSAGES)
def test_that_each_validation_has_a_case_that_it_refuses(said: str, message: str) -> None:
    assert MESSAGES.count(message) == 1
    assert message in said


@pytest.mark.parametrize("name", VARIABLES)
def test_that_each_variable_is_validated_unless_it_is_true_or_false(name: str) -> None:
    assert OF_A_TYPE in VARIABLES[name] or "\n  validation {\n" in VARIABLES[name]


@pytest.mark.parametrize("name", VARIABLES)
def test_that_each_variable_is_described_in_sentences(name: str) -> None:
    described = re.search(r'^  description = "(.+)"$', VARIABLES[name], re.MULTILINE)

    assert described is not None
    assert re.fullmatch(r"[A-Z].+\.", described[1])


@pytest.mark.parametrize("name", VARIABLES)
def test_that_what_is_refused_is_told_by_the_variables_name(name: str) -> None:
    for message in _MESSAGE.findall(VARIABLES[name]):
        assert message.endswith(".")
        assert re.search(rf"\b{name}\b", message)
