"""Where what these tests install and make is kept, and whether it is there."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent
INFRA = REPOSITORY / "infra"
MODULE = INFRA / "modules" / "dynamodb"
EXAMPLES = INFRA / "examples"

CACHE = REPOSITORY / ".cache" / "infra"
TOOLS = REPOSITORY / ".cache" / "infra-venv"
OLDEST_TOOLS = REPOSITORY / ".cache" / "infra-oldest-venv"
CHECKOV = REPOSITORY / ".cache" / "checkov-venv"

PYTHON = TOOLS / "bin" / "python"
OLDEST_PYTHON = OLDEST_TOOLS / "bin" / "python"
BINDINGS = "cdktn_provider_aws-*-py3-none-any.whl"


def missing() -> str | None:
    """What these tests lack here, in a sentence; None when they can run."""
    if not PYTHON.exists():
        return "Terraform is not installed in .cache/infra-venv: run `make test-infra`"
    if not OLDEST_PYTHON.exists():
        return "Terraform 1.9 is not installed in .cache/infra-oldest-venv: run `make test-infra`"
    if not any(CACHE.glob(BINDINGS)):
        return "the AWS provider's schema is not in .cache/infra: run `make test-infra`"
    if not (CHECKOV / "bin" / "checkov").exists():
        return "checkov is not installed in .cache/checkov-venv: run `make test-infra`"
    return None
