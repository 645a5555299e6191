"""Lines of mistakes, in texts that are easily misread."""

from __future__ import annotations

import pytest

from tests.web.rules_text import NOTATION, RULE, refusal

# Above "cost", which is wrong, stands what a careless search for lines would stumble over.
STUMBLING_BLOCKS = [
    '# [[rule]]\n#cost = 1\nname = "a"',
    'name = """\n[[rule]]\ncost = 1\n"""',
    "name = '''\n[[rule]]\ncost = 1\n# '''  # '''",
    'name = """a\\\n  [[rule]] \\"""\ncost = 1 ""\\\\"""',
    'name = """"a\n[[rule]]""""  # """\n',
    'limits = [  # ]\n  "5/minute",  # "5/hour"]\n  """\n5/hour""",\n]',
    'methods = [\n"GET"\n  ,"POST" # ]\n,\n]   # [',
    'by = { header = "a", otherwise = { cookie = "}" } } # }',
    'by.address.trusted = [\n"10.0.0.0/8",\n"unix"]',
    'methods = [\n"GET"\n] \t',
    'name = "cost = 1 # [[rule]]"',
    "'name' = '[['\n\"path\" = '/\"'",
    "\t\n   \n",
]


@pytest.mark.parametrize("block", STUMBLING_BLOCKS)
def test_lines_are_not_lost_over_what_looks_like_toml(block: str) -> None:
    path = "" if "path" in block else 'path = "/y"\n'
    text = (
        f'# [[rule]]\n{RULE}name = "first"\n  [[ rule ]] # the second\n{block}\n cost=0.5\n{path}'
        f'messages = "5/minute"\n{RULE}cost = 6\n'
    )
    lines = text.splitlines()
    told = [line.split(": ") for line in str(refusal(text)).splitlines()]
    assert [(where, what) for where, _, what, *_ in told] == [
        (f"rules.toml:{lines.index(' cost=0.5') + 1}", "cost 0.5"),
        (f"rules.toml:{len(lines)}", "cost 6"),
    ]


def test_keys_of_a_table_below_a_rule_are_not_the_rules() -> None:
    error = refusal(
        '[[rule]]\npath = "/x"\n[rule.by]\nname = "cost"\n[rule.by.otherwise]\ncost = 1\n'
        '[other]\ncost = 1\n[[rule]]\nlimits = "5/minute"\npath = "/x"\n[rule.limits2]\ncost=1\n'
    )
    assert [line.split(": ")[:2] for line in str(error).splitlines()] == [
        [
            "rules.toml:7",
            "unknown key 'other'; outside of rules there may be only [[rule]] and rules",
        ],
        ["rules.toml:1", "rule 1"],
        ["rules.toml:12", "rule 2"],
    ]


def test_a_table_below_a_rule_has_its_headers_line() -> None:
    error = refusal(f'{RULE}\n[rule.by]\nheder = "x-api-key"\n')
    assert str(error) == (
        "rules.toml:5: rule 1: by {'heder': 'x-api-key'}: must have one of header, cookie, "
        "session-user, address, function"
    )


def test_inline_rules_have_no_lines() -> None:
    error = refusal('rule = [\n  { path = "/x" },\n  { name = "b", path = "/y", limits = "5" },\n]')
    assert str(error).splitlines() == [
        "rules.toml: rule 1: limits, messages or in-flight is required",
        f"rules.toml: rule 'b': limit '5': {NOTATION}",
    ]
    assert (error.line, error.rule) == (None, "rule 1")
