"""The frameworks' own tests of sessions, out of their source distributions.

``python -m tests.upstream.sources`` fetches them; ``make test`` does so by itself. Wheels do not
have them, and no copy is in the repository: they lie in ``.cache/`` of the checkout, those of the
versions that are installed.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Container, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

HOME = Path(__file__).parents[2] / ".cache" / "upstream-tests"
FILES = {
    "django": "tests/sessions_tests/tests.py",
    "flask": "tests/test_basic.py",
    "starlette": "tests/middleware/test_session.py",
}
HOW_TO_GET_THEM = "needs the frameworks' own tests: run `python -m tests.upstream.sources`"


def file_of(project: str) -> Path:
    """Where the tests of the installed version are, or will be."""
    return HOME / f"{project}-{version(project)}.py"


def names_of(project: str, names: Container[str], given: dict[str, Any]) -> dict[str, Any]:
    """Some classes and functions of a project's tests.

    Args:
        project: such as ``"django"``.
        names: which of its classes and functions.
        given: what they find under global names, in the place of what the file imports.

    Returns:
        the globals; only ``given`` if the file is not there.
    """
    file = file_of(project)
    if not file.exists():
        return given
    module = ast.parse(file.read_text(encoding="utf-8"))
    module.body = [node for node in module.body if _is_wanted(node, names, given)]
    found: dict[str, Any] = {"__name__": f"upstream_{project}", **given}
    exec(compile(module, file, "exec", dont_inherit=True), found)
    return found


def own_tests_of(
    project: str,
    names: Iterable[str],
    given: dict[str, Any],
    differences: dict[str, str],
) -> dict[str, Any]:
    """Test functions of a project, by name, of which some must fail.

    Args:
        project: such as ``"flask"``.
        names: of the tests, and of what they call.
        given: see ``names_of``.
        differences: why a test must fail, by its name.
    """
    found = names_of(project, {*names, *differences}, given)
    tests = {name: one for name, one in found.items() if name.startswith("test_")}
    for name, reason in differences.items():
        if name in tests:
            tests[name] = pytest.mark.xfail(strict=True, reason=reason)(tests[name])
    return tests or {"test_of_their_own": pytest.mark.skip(reason=HOW_TO_GET_THEM)(_nothing)}


def _nothing() -> None: ...


def _is_wanted(node: ast.stmt, names: Container[str], given: dict[str, Any]) -> bool:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name in names
    if isinstance(node, ast.ImportFrom):
        node.names = [alias for alias in node.names if (alias.asname or alias.name) not in given]
        return node.level == 0 and bool(node.names)
    return isinstance(node, ast.Import)


def fetch() -> None:
    """Put them into the cache, unless they are there.

    Raises:
        subprocess.CalledProcessError: pip could not bring a source distribution.
        KeyError: it has no such tests.
    """
    for project, member in FILES.items():
        if not file_of(project).exists():
            _fetch(project, version(project), member)


def _fetch(project: str, installed: str, member: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--no-binary", project, "--dest", folder]
        subprocess.run([*command, f"{project}=={installed}"], check=True)
        (archive,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(archive) as source:
            top = source.getnames()[0].partition("/")[0]
            file = source.extractfile(f"{top}/{member}")
            assert file is not None, f"{member} is not a file"
            HOME.mkdir(parents=True, exist_ok=True)
            file_of(project).write_bytes(file.read())


if __name__ == "__main__":
    try:
        fetch()
    except (subprocess.CalledProcessError, KeyError) as error:
        sys.exit(f"the frameworks' own tests were not fetched ({error}); they will be skipped")
