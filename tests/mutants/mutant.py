"""The mutants of a source file, by the operators of mutmut.

What is changed is what the code does, inside functions: not its annotations, the texts of
exceptions, reprs or default arguments, which say nothing that a caller could count on.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

_NOT_MUTATED = (cst.Annotation, cst.Raise, cst.Assert, cst.Decorator, cst.Import, cst.ImportFrom)
_SHOWN_ONLY = frozenset({"__repr__", "__getnewargs__"})
_TOLD_ONLY = frozenset({"StoreError", "TypeError", "ValueError", "len", "isinstance", "cast"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file.

    Attributes:
        module: the file, from the project's folder.
        line: the line where what is changed begins.
        text: the file as it is.
    """

    module: str
    line: int
    text: str
    _tree: cst.Module
    _node: cst.CSTNode
    _mutated: cst.CSTNode

    def source(self) -> str:
        """The whole file with the change. It takes some milliseconds to make."""
        changed = self._tree.deep_replace(self._node, self._mutated)
        assert isinstance(changed, cst.Module)
        code: str = changed.code
        return code

    def change(self) -> str:
        """The lines that differ, as a diff has them."""
        before, after = self.text.splitlines(), self.source().splitlines()
        lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))
        return "\n".join(line for line in lines[2:] if not line.startswith("@@"))


def mutants_of(root: Path, module: str) -> list[Mutant]:
    """All mutants of a file, in its order."""
    text = (root / module).read_text(encoding="utf-8")
    wrapper = MetadataWrapper(cst.parse_module(text))
    visitor = _Visitor()
    wrapper.visit(visitor)
    return [
        Mutant(module, line, text, wrapper.module, node, mutated)
        for node, mutated, line in visitor.found
    ]


class _Visitor(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[cst.CSTNode, cst.CSTNode, int]] = []
        self._functions = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, _NOT_MUTATED) or _is_shown_only(node):
            return False
        if isinstance(node, cst.FunctionDef):
            self._functions += 1
        if self._functions and not isinstance(node, cst.Param):
            for mutated in _mutated(node):
                line = self.get_metadata(PositionProvider, node).start.line
                self.found.append((node, mutated, line))
        # Its default is evaluated where the function is made.
        return not isinstance(node, cst.Param)

    def on_leave(self, original_node: cst.CSTNode) -> None:
        # It is called of what was not visited, too.
        if isinstance(original_node, cst.FunctionDef) and not _is_shown_only(original_node):
            self._functions -= 1


def _mutated(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            mutated: Iterable[cst.CSTNode] = operator(node)
            # A text in other letters is one change too many, of which few could mean anything.
            yield from islice(mutated, 1 if kind is cst.BaseString else None)


def _is_shown_only(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.FunctionDef):
        return node.name.value in _SHOWN_ONLY
    if isinstance(node, cst.Expr):  # a docstring
        return isinstance(node.value, cst.SimpleString | cst.ConcatenatedString)
    return (
        isinstance(node, cst.Call)
        and isinstance(node.func, cst.Name)
        and (node.func.value in _TOLD_ONLY or node.func.value.endswith("Error"))
    )
