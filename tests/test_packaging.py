"""What is shipped: the wheel's content, the version, the types, and how light an import is."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest

import ratelimit_ddb
import sessions
from hatch_build import index_page, project_urls

RELATIVE = re.compile(r"\]\((?!https?:)[^)]*\)")

CHECKOUT = Path(__file__).parent.parent
PACKAGES = ("ddbwire", "ratelimit_ddb", "sessions")


def declared_version() -> str:
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    assert isinstance(version, str)
    return version


def test_that_the_installed_version_is_the_declared_one() -> None:
    assert importlib.metadata.version("ratelimit-ddb") == declared_version()


@pytest.mark.parametrize("package", [ratelimit_ddb, sessions])
def test_that_a_package_tells_its_version_and_no_other_name(
    package: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert package.__version__ == declared_version()
    with pytest.raises(AttributeError, match=f"'{package.__name__}' has no attribute 'versoin'"):
        _ = package.versoin

    def not_installed(_name: str) -> str:
        raise importlib.metadata.PackageNotFoundError

    monkeypatch.setattr(importlib.metadata, "version", not_installed)
    assert not hasattr(package, "__version__")


@pytest.mark.parametrize("package", PACKAGES)
def test_that_each_package_is_typed(package: str) -> None:
    assert (files(package) / "py.typed").is_file()


def test_the_wheel(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"ratelimit_ddb-{declared_version()}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as content:
        shipped = set(content.namelist())
    assert {name.split("/")[0] for name in shipped} == {
        *PACKAGES,
        f"ratelimit_ddb-{declared_version()}.dist-info",
    }
    assert {f"{package}/py.typed" for package in PACKAGES} <= shipped
    for package in PACKAGES:
        modules = {str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / package).rglob("*.py")}
        assert modules <= shipped
    assert any(name.endswith("licenses/LICENSE") for name in shipped)
    shown = next(name for name in shipped if name.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(wheel) as content:
        page = content.read(shown).decode().partition("\n\n")[2]
    assert page.startswith("# ratelimit-ddb\n")
    assert RELATIVE.findall(page) == []  # an index has no other page to lead to


TEXT = """See [the guide](docs/limits.md#keys), [an RFC](https://rfc.example/9457), [below](#cost).

![a plot](bench/results/accuracy.svg)

```
rules[0](not_a_link)
```
"""


def test_that_an_index_shows_links_and_pictures_at_the_tag_of_the_version() -> None:
    page = index_page(TEXT, "https://host.example/owner/name", "v1.2.3")
    files = "https://host.example/owner/name"
    assert page == TEXT.replace("(docs/", f"({files}/blob/v1.2.3/docs/").replace(
        "(bench/", f"({files}/raw/v1.2.3/bench/"
    ).replace("(#cost)", f"({files}/blob/v1.2.3/README.md#cost)")


def test_that_an_index_shows_no_dead_link_while_the_repository_is_not_public() -> None:
    assert index_page(TEXT, "", "v1.2.3") == TEXT.replace(
        "[the guide](docs/limits.md#keys)", "the guide"
    ).replace("[below](#cost)", "below").replace("![a plot](bench/results/accuracy.svg)\n\n", "")


def test_that_the_projects_urls_come_from_the_same_value() -> None:
    assert project_urls("") == {}
    urls = project_urls("https://host.example/owner/name")
    assert urls["Source"] == "https://host.example/owner/name"
    assert urls["Issues"] == "https://host.example/owner/name/issues"


@pytest.mark.parametrize("refused", ["host.example/name", "https://host.example/name/", "http://x"])
def test_that_a_repository_must_be_an_address(refused: str) -> None:
    with pytest.raises(ValueError, match=r"repository '.*' in pyproject\.toml: must be an"):
        project_urls(refused)
    with pytest.raises(ValueError, match="must be an https URL"):
        index_page(TEXT, refused, "v1.2.3")


def test_the_sdist_has_the_demo_which_the_wheel_has_not(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", tmp_path],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as content:
        shipped = {name.partition("/")[2] for name in content.getnames()}
    of_the_demo = {
        str(path.relative_to(CHECKOUT))
        for path in (CHECKOUT / "demo").rglob("*.*")
        if "__pycache__" not in path.parts
    }
    assert {"demo/__main__.py", "demo/static/live.js", "demo/templates/home.html"} <= of_the_demo
    assert of_the_demo <= shipped
    named = {"Makefile", "requirements-dev.txt", ".ci/run", ".pre-commit-config.yaml"}
    assert named <= shipped  # what CONTRIBUTING.md tells one to run


@pytest.mark.parametrize("package", ["ratelimit_ddb", "sessions"])
def test_that_importing_a_package_stays_light(package: str) -> None:
    heavy = {"asyncio", "boto3", "botocore", "importlib.metadata", "tenacity"}
    program = f"import sys, {package}; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    assert run.stdout.strip() == "[]"


def without(*packages: str) -> str:
    """The head of a program in which these are not installed."""
    return f"""
import importlib, sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotInstalled())

def told(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except ImportError as error:
        print(error)
"""


def test_that_what_needs_a_missing_package_says_how_to_install_it() -> None:
    missing = ("flask", "fastapi", "starlette", "django", "asgiref", "opentelemetry", "joserfc")
    program = (
        without(*missing, "cryptography", "itsdangerous")
        + """
for part in ("ratelimit_ddb", "sessions"):
    for framework in ("flask", "fastapi", "starlette", "django", "opentelemetry", "device_bound"):
        told(importlib.import_module, f"{part}.{framework}")

from sessions import MemorySessionStore
from sessions.previous import flask_cookies, starlette_cookies
from sessions.wsgi import SessionMiddleware

told(flask_cookies, None)
told(starlette_cookies, "secret")
told(SessionMiddleware, print, MemorySessionStore(), encryption=bytes(32))
"""
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    assert run.stdout.splitlines() == [
        'ratelimit_ddb.flask needs the package flask: pip install "flask"',
        'ratelimit_ddb.fastapi needs the package fastapi: pip install "fastapi"',
        'ratelimit_ddb.starlette needs the package starlette: pip install "starlette"',
        'ratelimit_ddb.django needs the package django: pip install "django"',
        (
            "ratelimit_ddb.opentelemetry needs the package opentelemetry: "
            'pip install "ratelimit-ddb[opentelemetry]"'
        ),
        "No module named 'ratelimit_ddb.device_bound'",
        'sessions.flask needs the package flask: pip install "flask"',
        "No module named 'sessions.fastapi'",
        'sessions.starlette needs the package starlette: pip install "starlette"',
        'sessions.django needs the package django: pip install "django"',
        "No module named 'sessions.opentelemetry'",
        'sessions.device_bound needs the package joserfc: pip install "ratelimit-ddb[dbsc]"',
        'flask_cookies needs the package itsdangerous: pip install "flask"',
        'starlette_cookies needs the package itsdangerous: pip install "itsdangerous"',
        'encryption= needs the package cryptography: pip install "ratelimit-ddb[encryption]"',
    ]
