"""Device-bound sessions: stolen cookies are worth nothing after some minutes. An optional module.

    pip install "ratelimit-ddb[dbsc]"

    from sessions.device_bound import DeviceBound

    app = SessionMiddleware(app, store, device_bound=DeviceBound(os.environ["SESSION_SECRET"]))

Malware that copies a browser's cookies has the sessions in them, from anywhere. A browser that has
Device Bound Session Credentials makes a key for a session in hardware that does not give it away.

    login      the response has Secure-Session-Registration: where, and a challenge
    register   the browser sends its public key and the challenge, signed; the row keeps the key,
               and the browser gets a second cookie, of some minutes: the bound cookie
    a request  with both cookies it is the user's; without the bound one it is nobody's
    refresh    before it sends a request without one, the browser asks for it: it gets a challenge,
               signs it, and gets the next bound cookie

Nothing more of it is stored than the key, in the session's own row, as a value that no application
sees. A rotation takes it along, a logout or a revocation ends it with the row, and a login begins
without one. It is never replaced by another key.

Source: W3C, "Device Bound Session Credentials", editor's draft of 17 February 2026,
https://w3c.github.io/webappsec-dbsc/, with the names of the fields that Chrome has had since 145.
"""

from __future__ import annotations

try:
    import joserfc  # noqa: F401 - found here, or it would be missing at the first browser's call
except ImportError as error:
    raise ImportError(
        'sessions.device_bound needs the package joserfc: pip install "ratelimit-ddb[dbsc]"'
    ) from error

from sessions.device_bound.device_bound import DeviceBound

__all__ = ["DeviceBound"]
