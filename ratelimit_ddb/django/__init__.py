"""Rate limits for Django: a middleware that is configured in the settings, and limits on views."""

from ddbwire.shared.optional_package import optional_package

with optional_package("ratelimit_ddb.django", "django"):
    import django  # noqa: F401 - is it there?

from ratelimit_ddb.django.limited_views import limited
from ratelimit_ddb.django.middleware import RateLimitMiddleware
from ratelimit_ddb.django.users import user

__all__ = ["RateLimitMiddleware", "limited", "user"]
