"""Rate limits for Flask: before an app or blueprint, where rules see routes, and before one view.

``RateLimitMiddleware`` is ``ratelimit_ddb.wsgi``'s, for what is to be denied before Flask has any
work with it: ``app.wsgi_app = RateLimitMiddleware(app.wsgi_app, store=store, rules=rules)``.
"""

from ddbwire.shared.optional_package import optional_package

with optional_package("ratelimit_ddb.flask", "flask"):
    import flask  # noqa: F401 - is it there?

from ratelimit_ddb.flask.app import limit_app
from ratelimit_ddb.flask.limited_views import limited
from ratelimit_ddb.wsgi import RateLimitMiddleware

__all__ = ["RateLimitMiddleware", "limit_app", "limited"]
