"""Device-bound sessions: stolen cookies are useless after some minutes. An optional module.

    pip install "ratelimit-ddb[dbsc]"

    from sessions.device_bound import DeviceBound

    app = SessionMiddleware(app, store, device_bound=DeviceBound(os.environ["SESSION_SECRET"]))

Malware that copies a browser's cookies can use their sessions from anywhere. A browser with Device
Bound Session Credentials makes a key for a session, in hardware that never releases it.

    login      the response has Secure-Session-Registration, with the path and a challenge
    register   the browser sends its public key and the signed challenge; the row stores the key,
               and the browser gets a second cookie that lasts some minutes: the bound cookie
    a request  with both cookies gets the session; without the bound one it gets an empty session
    refresh    before a request without a valid bound cookie, the browser gets a challenge, signs
               it, and gets the next bound cookie

Only the key is stored, in the session's own row, as a value that no application sees. A rotation
keeps it, a logout or a revocation deletes it with the row, and a login begins without one. It is
never replaced by another key.

Source: W3C, "Device Bound Session Credentials", editor's draft of 17 February 2026,
https://w3c.github.io/webappsec-dbsc/, with the names of the fields that Chrome has had since 145.
"""

from __future__ import annotations

from ddbwire.shared.optional_package import optional_package

with optional_package("sessions.device_bound", "ratelimit-ddb[dbsc]"):
    import joserfc  # noqa: F401 - else it would be missing only at the first call of a browser

from sessions.device_bound.device_bound import DeviceBound

__all__ = ["DeviceBound"]
