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

PROVIDER_VERSION = "6.69.1"

_ENTRY = re.compile(
    r"^ +(?P<name>\w+): \{\n"
    r" +value: (?P<value>.+),\n"
    r" +isBlock: (?P<block>true|false),\n"
    r' +type: "(?P<type>\w+)",\n'
    r' +storageClassType: "(?P<storage>[^"]+)",\n',
    re.MULTILINE,
)
_COMPUTED = re.compile(
    r"// (?P<name>\w+) - computed: true, optional: (?P<optional>true|false), required: false\n"
    r"(?: +_\w+;\n| +_\w+ = new (?P<nested>\w+)\(this, \"\w+\"(?:, (?P<set>true|false))?\);\n)?"
    r" +get \w+\(\) \{\n +return this\.(?:get(?P<type>\w+)Attribute\()?"
)
_ARGUMENT = re.compile(r"(?:this\._|struct\.)(\w+)")
_MAPPER = re.compile(r"(?<![.\w])(\w+ToHclTerraform)\b")
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


def schema(wheel: Path, types: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The schema of the provider, and of each ``("resource" | "data", "aws_...")`` it has."""
    stems = {_stem(kind, name): (kind, name) for kind, name in types}
    stems["provider"] = ("provider", "aws")
    texts = _texts(wheel, set(stems))
    found: dict[str, Any] = {"version": PROVIDER_VERSION, "resource": {}, "data": {}}
    for stem, (kind, name) in stems.items():
        # What the provider lacks is not an error here: Terraform is to say so.
        if (script := texts.get((stem, "index.js"))) is not None:
            block = _Class(script, texts[stem, "index.d.ts"]).block()
            found.setdefault(kind, {})[name] = block
    return found


def _stem(kind: str, name: str) -> str:
    """The folder of a class: ``dynamodb-table``, ``data-aws-dynamodb-table``."""
    return ("data-" + name if kind == "data" else name.removeprefix("aws_")).replace("_", "-")


def _texts(wheel: Path, stems: set[str]) -> dict[tuple[str, str], str]:
    """The script and the declaration of some classes, by folder and file name."""
    with zipfile.ZipFile(wheel) as archive:
        (inner,) = (name for name in archive.namelist() if name.endswith(".jsii.tgz"))
        packed = archive.read(inner)
    texts = {}
    # In one pass: going back and forth would unpack all of it for each file.
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r|gz") as archive:
        for member in archive:
            path = Path(member.name)
            if path.parent.name in stems and (file := archive.extractfile(member)):
                text = file.read().decode()
                texts[path.parent.name, path.name] = text.partition("//# sourceMappingURL")[0]
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
        own = self._script[self._script.rindex("\nclass ", 0, start) : start]
        for name, flags in self._computed(own).items():
            # An argument that is an object is written as blocks are, but computed only as an
            # attribute is.
            block["blocks"].pop(name, None)
            block["attributes"][name] = {**block["attributes"].get(name, {}), **flags}
        return block

    def _computed(self, body: str) -> dict[str, dict[str, Any]]:
        """What the provider may set by itself, in the text of a class."""
        found: dict[str, dict[str, Any]] = {}
        for each in _COMPUTED.finditer(body):
            flags = {"type": self._type_of(each), "computed": True}
            found[each["name"]] = flags | ({"optional": True} if each["optional"] == "true" else {})
        return found

    def _type_of(self, found: re.Match[str]) -> Any:
        if found["type"]:
            return _OF_COMPUTED[found["type"]]
        nested = found["nested"]
        element = self._object(nested.removesuffix("OutputReference").removesuffix("List"))
        if nested.endswith("OutputReference"):
            return element
        return ["set" if found["set"] == "true" else "list", element]

    def _object(self, name: str) -> Any:
        """The type of an object that has a class of its own."""
        start = self._script.index(f"class {name}OutputReference ")
        members = self._computed(self._script[start : self._script.index("\n}\n", start)])
        return ["object", {member: flags["type"] for member, flags in members.items()}]

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
