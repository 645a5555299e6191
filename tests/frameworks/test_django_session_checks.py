"""Django's system checks of the settings of sessions, and the guide's lines on a new project."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.apps import AppConfig
from django.core.management import call_command

from sessions.django.checks import check_cookie, check_settings
from tests.frameworks.django_site.with_sessions import with_sessions
from tests.frameworks.seen_store import SeenStore

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "sessions-in-django.md"


def ids_of(found: list[Any]) -> list[str]:
    return [message.id for message in found]


def test_settings_that_hold_are_not_complained_of() -> None:
    with with_sessions(SeenStore()):
        assert check_settings(None) == []


@pytest.mark.parametrize(
    ("given", "expected", "message"),
    [
        ({"SESSIONS": None}, "sessions.E001", "SESSIONS must be a dict with STORE"),
        (
            {"SESSION_COOKIE_AGE": 50_000, "options": {"LIFETIME": 43_200}},
            "sessions.E001",
            r"SESSION_COOKIE_AGE must be at most SESSIONS\['LIFETIME'\], 43200",
        ),
        (
            {"SESSION_ENGINE": "django.contrib.sessions.backends.cache"},
            "sessions.E002",
            "SESSION_ENGINE is 'django.contrib.sessions.backends.cache'",
        ),
        ({"SESSION_ENGINE": "tests.nowhere"}, "sessions.E002", "SESSION_ENGINE"),
        (
            {"MIDDLEWARE": ["django.contrib.sessions.middleware.SessionMiddleware"]},
            "sessions.W001",
            "Django's own SessionMiddleware",
        ),
    ],
)
def test_settings_that_do_not_are_told_by_a_system_check(
    given: Any, expected: str, message: str
) -> None:
    with with_sessions(SeenStore(), **given):
        found = check_settings(None)
    assert ids_of(found) == [expected]
    assert re.search(message, found[0].msg)


def test_the_deployment_check_looks_at_the_cookie() -> None:
    with with_sessions(SeenStore(), SESSION_COOKIE_HTTPONLY=False):
        assert ids_of(check_cookie(None)) == ["sessions.W002", "sessions.W003"]
    with with_sessions(SeenStore(), SESSION_COOKIE_SECURE=True):
        assert check_cookie(None) == []


VISIT = """
import django, mysite.sessions, sessions
mysite.sessions.store = sessions.MemorySessionStore()
django.setup()
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import Client
call_command("check", fail_level="WARNING")
call_command("migrate", verbosity=0)
User.objects.create_superuser("ada", password="pw")
client = Client(headers={"host": "localhost"})
print([client.get(path).status_code for path in ("/", "/admin/")])
print(client.post("/admin/login/?next=/admin/", {"username": "ada", "password": "pw"}).status_code)
print(client.get("/admin/").status_code, len(mysite.sessions.store))
print({one.id for one in run_checks(include_deployment_checks=True) if "sessions" in one.id})
"""


def test_the_guides_lines_hold_on_a_new_project(tmp_path: Path) -> None:
    call_command("startproject", "mysite", str(tmp_path))
    store, lines = re.findall(
        r"^```python\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL
    )[:2]
    (tmp_path / "mysite" / "sessions.py").write_text(store)
    with (tmp_path / "mysite" / "settings.py").open("a") as file:
        file.write(lines)
    visited = subprocess.run(
        [sys.executable, "-c", VISIT],
        cwd=tmp_path,
        env={"DJANGO_SETTINGS_MODULE": "mysite.settings", "PYTHONPATH": str(GUIDE.parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert visited.returncode == 0, visited.stderr
    assert visited.stdout.splitlines()[-4:] == ["[200, 302]", "302", "200 1", "{'sessions.W002'}"]


def test_the_app_may_stand_beside_djangos_own() -> None:
    installed = ["django.contrib.sessions", "sessions.django"]
    assert len({AppConfig.create(entry).label for entry in installed}) == 2
