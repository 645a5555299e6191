"""The app ``sessions.django``, in INSTALLED_APPS for its system checks. It has no models."""

# Django has no types of its own.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from django.apps import AppConfig


class SessionsConfig(AppConfig):  # type: ignore[misc]  # Django has no types
    """Registers the checks; it may stand beside ``django.contrib.sessions`` or in its place."""

    name = "sessions.django"
    label = "sessions_django"
    verbose_name = "Sessions on DynamoDB"

    def ready(self) -> None:
        """Register the system checks."""
        from sessions.django import checks

        checks.register()
