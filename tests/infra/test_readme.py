"""The module's README lists its inputs and outputs as they are."""

from __future__ import annotations

import re

import pytest

from tests.infra.places import MODULE

pytestmark = pytest.mark.infra

README = (MODULE / "README.md").read_text()


def listed(heading: str) -> dict[str, str]:
    """The rows of the table under a heading: the rest of the row, by name."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))


def declared(kind: str, file: str) -> dict[str, str]:
    """The descriptions of what a file declares, by name."""
    text = (MODULE / file).read_text()
    return dict(re.findall(rf'^{kind} "(\w+)" \{{\n  description = "(.+)"$', text, re.MULTILINE))


def written_type(body: str) -> str:
    """The type in a variable's block; what is in an object is for the description to say."""
    found = re.search(r"^  type += (.+)$", body, re.MULTILINE)
    assert found is not None
    beginning = found[1].removesuffix("({")
    return beginning + ")" * (beginning.count("(") - beginning.count(")"))


def test_that_the_inputs_are_listed_in_order_with_their_types_and_defaults() -> None:
    text = (MODULE / "variables.tf").read_text()
    blocks = re.findall(r'^variable "(\w+)" \{\n(.*?)^\}\n', text, re.MULTILINE | re.DOTALL)
    described = declared("variable", "variables.tf")
    expected = {}
    for name, body in blocks:
        default = re.search(r"^  default +=( .+)$", body, re.MULTILINE)
        written = f"`{default[1].strip()}`" if default else "required"
        expected[name] = f"`{written_type(body)}` | {written} | {described[name]}"

    assert listed("Inputs") == expected
    assert list(listed("Inputs")) == list(expected)


def test_that_the_outputs_are_listed_in_order() -> None:
    expected = declared("output", "outputs.tf")

    assert listed("Outputs") == expected
    assert list(listed("Outputs")) == list(expected)


def test_that_the_policies_are_listed_with_what_they_allow() -> None:
    iam = (MODULE / "iam.tf").read_text()
    blocks = re.findall(
        r'^data "aws_iam_policy_document" "(\w+)" \{\n(.*?)^\}\n', iam, re.MULTILINE | re.DOTALL
    )
    allowed = {
        name: re.findall(r'^ +"dynamodb:(\w+)",$', body, re.MULTILINE) for name, body in blocks
    }
    listed_actions = {
        name: re.findall(r"`(\w+)`", row.split(" | ")[0])
        for name, row in listed("Policies").items()
    }

    assert listed_actions == {name: allowed[name] for name in allowed if not name.startswith("dax")}


def test_that_no_link_leads_nowhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (MODULE / target).exists(), target
