"""The stub provider, where Terraform looks for ``hashicorp/aws``, and in a process that lasts."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.infra import bindings
from tests.infra.places import BINDINGS, CACHE, INFRA, PYTHON

SCHEMAS = CACHE / "schemas.json"
CLI_CONFIG = CACHE / "terraform.rc"

_SCRIPT = Path(__file__).parent / "stub" / "provider.py"
_WHERE_IT_LISTENS = re.compile(r"TF_REATTACH_PROVIDERS='(.+)'")
_BLOCK = re.compile(r'^(resource|data) "(aws_\w+)"', re.MULTILINE)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def install() -> Path:
    """The file that TF_CLI_CONFIG_FILE is to name; everything it needs is made."""
    _write_schemas()
    mirror = CACHE / "mirror"
    version = bindings.PROVIDER_VERSION
    target = f"{platform.system().lower()}_{_ARCHITECTURES[platform.machine()]}"
    folder = mirror / "registry.terraform.io" / "hashicorp" / "aws" / version / target
    command = shlex.join(_command())
    program = folder / f"terraform-provider-aws_v{version}"
    _write(program, f'#!/bin/sh\nexec {command} "$@"\n', mode=0o755)
    (CACHE / "home" / ".cache").mkdir(parents=True, exist_ok=True)
    _write(
        CLI_CONFIG,
        "disable_checkpoint = true\n"
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path = "{mirror}"\n    include = ["hashicorp/aws"]\n  }}\n'
        "}\n",
    )
    return CLI_CONFIG


@contextlib.contextmanager
def serving(*options: str) -> Iterator[str]:
    """A provider for any number of commands; what TF_REATTACH_PROVIDERS is to say.

    With ``--account`` it holds what was applied, so that the data sources tell of it.

    Terraform otherwise starts one several times for each command, which takes longer than the rest.

    Raises:
        RuntimeError: it ended before it listened.
    """
    install()
    with (
        tempfile.TemporaryDirectory() as sockets,
        subprocess.Popen(
            [*_command(), "--dev", *options],
            env={**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": sockets},
            stdout=subprocess.PIPE,
            text=True,
        ) as provider,
    ):
        try:
            assert provider.stdout is not None
            for line in provider.stdout:
                if where := _WHERE_IT_LISTENS.search(line):
                    yield where[1]
                    return
            raise RuntimeError("the provider ended before it listened")
        finally:
            provider.terminate()


def used_types() -> list[tuple[str, str]]:
    """The resources and data sources that any configuration here uses."""
    texts = (path.read_text() for path in INFRA.rglob("*.tf"))
    return sorted({found for text in texts for found in _BLOCK.findall(text)})


def _command() -> list[str]:
    return [str(PYTHON), str(_SCRIPT), str(SCHEMAS)]


def _write_schemas() -> None:
    types = used_types()
    (wheel,) = CACHE.glob(BINDINGS)
    made_from = {"types": [list(each) for each in types], "wheel": wheel.name}
    if SCHEMAS.exists() and json.loads(SCHEMAS.read_text())["made_from"] == made_from:
        return
    schemas = {"made_from": made_from, **bindings.schema(wheel, types)}
    _write(SCHEMAS, json.dumps(schemas, indent=1))


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    """All at once, for several processes may be at it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}")
    half.write_text(text)
    half.chmod(mode)
    half.replace(path)
