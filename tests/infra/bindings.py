"""Read the AWS provider's schema out of the bindings that were generated from it.

The bindings are a wheel that holds, for every resource, a JavaScript class. Its method
``synthesizeHclAttributes`` tells each argument's type and whether it is a block, a comment tells
what is computed, and the TypeScript interface beside it tells what is required.
"""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PROVIDER_VERSION = "6.62.0"

_ENTRY = re.compile(
    r"^ +(?P<name>\w+): \{\n"
    r" +value: (?P<value>.+),\n"
    r" +isBlock: (?P<block>true|false),\n"
    r' +type: "(?P<type>\w+)",\n'
    r' +storageClassType: "(?P<storage>[^"]+)",\n',
    re.MULTILINE,
)
_COMPUTED = re.compile(
    r"// (?P<name>\w+) - computed: true, optional: false, required: false\n"
    r"(?:.*\n)?? +get \w+\(\) \{\n +return this\.get(?P<type>\w+)Attribute\("
)
_ARGUMENT = re.compile(r"(?:this\._|struct\.)(\w+)")
_MAPPER = re.compile(r"\b(\w+PropertyToHclTerraform)\b")
_ONE_BLOCK = re.compile(r"new \w+(?:\.\w+)?OutputReference\(this, \"(\w+)\"\)")
_READONLY = re.compile(r"^ +readonly (\w+)(\??):", re.MULTILINE)

_PRIMITIVES = {"string": "string", "number": "number", "boolean": "bool", "any": "string"}
_OF_COMPUTED = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "List": ["list", "string"],
    "NumberList": ["list", "number"],
    "StringMap": ["map", "string"],
}
# The bindings do not tell what is optional and computed at once; of these it is known.
_OPTIONAL_AND_COMPUTED = {"id", "region", "tags_all"}


def schema(wheel: Path, types: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The schema of the provider, and of each ``("resource" | "data", "aws_...")`` it has."""
    stems = {_stem(kind, name): (kind, name) for kind, name in types}
    stems["aws-provider"] = ("provider", "aws")
    texts = _texts(wheel, set(stems))
    found: dict[str, Any] = {"version": PROVIDER_VERSION, "resource": {}, "data": {}}
    for stem, (kind, name) in stems.items():
        # What the provider lacks is not an error here: Terraform is to say so.
        if f"{stem}.js" in texts:
            block = _Class(texts[f"{stem}.js"], texts[f"{stem}.d.ts"]).block()
            found.setdefault(kind, {})[name] = block
    return found


def _stem(kind: str, name: str) -> str:
    return ("data-" if kind == "data" else "") + name.replace("_", "-")


def _texts(wheel: Path, stems: set[str]) -> dict[str, str]:
    """The scripts and declarations of some classes, by file name."""
    with zipfile.ZipFile(wheel) as archive:
        (inner,) = (name for name in archive.namelist() if name.endswith(".jsii.tgz"))
        packed = archive.read(inner)
    texts = {}
    # In one pass: going back and forth would unpack all of it for each file.
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r|gz") as archive:
        for member in archive:
            name = Path(member.name).name
            if name.partition(".")[0] in stems and (file := archive.extractfile(member)):
                texts[name] = file.read().decode()
    return texts


class _Class:
    """One resource's JavaScript and TypeScript."""

    def __init__(self, script: str, declaration: str) -> None:
        self._script = script
        self._declaration = declaration
        self._ones = set(_ONE_BLOCK.findall(script))

    def block(self) -> dict[str, Any]:
        start = self._script.index("synthesizeHclAttributes()")
        required = self._required(r"export interface \w+ (?:extends [^{]+)?")
        block = self._read(self._script[start : self._script.index("\n}\n", start)], required)
        for name in _OPTIONAL_AND_COMPUTED & block["attributes"].keys():
            block["attributes"][name]["computed"] = True
        # Only the resource's own class: those of its blocks come after it, indented.
        for found in _COMPUTED.finditer(self._script[:start]):
            block["attributes"].setdefault(
                found["name"], {"type": _OF_COMPUTED[found["type"]], "computed": True}
            )
        return block

    def _read(self, body: str, required: set[str]) -> dict[str, Any]:
        block: dict[str, Any] = {"attributes": {}, "blocks": {}}
        for entry in _ENTRY.finditer(body):
            name = entry["name"]
            (argument,) = set(_ARGUMENT.findall(entry["value"]))
            needed = argument in required
            if entry["block"] == "true":
                block["blocks"][name] = self._nested(entry, needed)
                continue
            attribute: dict[str, Any] = {"type": _type(entry["type"], entry["storage"])}
            attribute["required" if needed else "optional"] = True
            block["attributes"][name] = attribute
        return block

    def _nested(self, entry: re.Match[str], needed: bool) -> dict[str, Any]:
        (mapper,) = set(_MAPPER.findall(entry["value"]))
        start = self._script.index(f"function {mapper}(")
        body = self._script[start : self._script.index("\n}\n", start)]
        found = re.search(rf"function {mapper}\(struct\?: ([\w.]+)", self._declaration)
        if found is None:
            raise LookupError(mapper)
        interface = found[1].rpartition(".")[2].removesuffix("OutputReference")
        block = self._read(body, self._required(rf"interface {interface} "))
        nesting = {"struct": "single"}.get(entry["type"], entry["type"])
        block["nesting"] = nesting
        block["min_items"] = int(needed and nesting != "single")
        block["max_items"] = int(nesting == "list" and entry["name"] in self._ones)
        return block

    def _required(self, heading: str) -> set[str]:
        """The members of an interface that have no question mark."""
        members = re.search(rf"(?ms){heading}\{{(.*?)^ *\}}$", self._declaration)
        if members is None:
            raise LookupError(heading)
        return {name for name, mark in _READONLY.findall(members[1]) if not mark}


def _type(kind: str, storage: str) -> Any:
    if kind == "simple":
        return _PRIMITIVES[storage]
    element = storage.removesuffix("Map").removesuffix("List")
    return [kind, _PRIMITIVES[element]]
