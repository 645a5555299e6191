"""docs/reference.md, read: its sections, what they name, the calls and tables in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path(__file__).parent.parent / "docs" / "reference.md"

NO_DEFAULT: Any = object()
_SPAN = re.compile(r"`([^`]+)`")
_HEAD = re.compile(r"[\w.]+")
_CELLS = re.compile(r"(?:[^|`]|`[^`]*`)+")


class Parameter(NamedTuple):
    """A parameter as the page has it; the default is a literal's value, or else its text."""

    name: str
    keyword_only: bool
    default: Any = NO_DEFAULT


class Call(NamedTuple):
    """What is written as a call: of what, with which parameters, and whether more options follow.

    ``parameters`` is None for ``name(...)``, which has those of the call written before it.
    """

    name: str
    parameters: tuple[Parameter, ...] | None
    more: bool


class Row(NamedTuple):
    """A row of a table of options: the options, and their default's literal, if there is one."""

    options: tuple[str, ...]
    default: str


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under a heading.

    Attributes:
        about: what the heading names: modules, or the command.
        text: all of it, sections of lower levels included.
    """

    about: tuple[str, ...]
    text: str

    @property
    def names(self) -> set[str]:
        """What is named: the last part of what each piece of code begins with."""
        return {
            head[0].rpartition(".")[2]
            for span in _SPAN.findall(self.text)
            if (head := _HEAD.match(span))
        }

    def calls(self) -> Iterator[Call]:
        """What is written as a call of something; examples of calls are left out."""
        for span in _SPAN.findall(self.text):
            call = _call(span)
            if call is not None:
                yield call

    def options_after(self, mark: str) -> list[Row]:
        """The rows of the first table after a text."""
        assert mark in self.text, f"reference.md does not say {mark}"
        lines = self.text[self.text.index(mark) :].splitlines()
        start = next(number for number, line in enumerate(lines) if line.startswith("| option "))
        rows = []
        for line in lines[start + 2 :]:
            if not line.startswith("|"):
                break
            option, default = _CELLS.findall(line)[:2]
            rows.append(Row(tuple(_SPAN.findall(option)), default.strip().strip("`")))
        return rows


def sections() -> list[Section]:
    """The page's, in its order."""
    parts = re.split(r"^## (.+)\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [
        Section(tuple(_SPAN.findall(heading)), text)
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
    ]


def literal(text: str) -> Any:
    """What a default's text means; the text itself where it is no literal."""
    try:
        return ast.literal_eval(text)
    except ValueError:
        return text


def _call(span: str) -> Call | None:
    match = re.fullmatch(r"([\w.]+)\((.*)\)", span)
    if match is None:
        return None
    name, written = match[1].rpartition(".")[2], match[2]
    if written == "...":
        return Call(name, None, more=False)
    more = written.endswith("...")
    written = written.removesuffix("...").rstrip(", ")
    if written.endswith("*"):
        written = written.rstrip("*, ")
    try:
        (function,) = ast.parse(f"def f({written}): pass").body
    except SyntaxError:
        return None  # an example: it has values
    assert isinstance(function, ast.FunctionDef)
    return Call(name, tuple(_parameters(function.args)), more)


def _parameters(given: ast.arguments) -> Iterator[Parameter]:
    positional = [*given.posonlyargs, *given.args]
    without = len(positional) - len(given.defaults)
    for index, argument in enumerate(positional):
        if index < without:
            yield Parameter(argument.arg, keyword_only=False)
        else:
            default = ast.unparse(given.defaults[index - without])
            yield Parameter(argument.arg, keyword_only=False, default=literal(default))
    for argument, node in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        default = NO_DEFAULT if node is None else literal(ast.unparse(node))
        yield Parameter(argument.arg, keyword_only=True, default=default)
