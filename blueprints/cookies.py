"""The session's cookie."""

from datetime import UTC, datetime

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import BadSignature


class CookieSessions(SecureCookieSessionInterface):
    """Flask's signed cookie, which also counts when the machine's clock was put back since it was signed.

    Flask takes such a cookie for a wrong one, and everybody at work would be signed out in the middle of a form.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        serializer = self.get_signing_serializer(app)
        given = request.cookies.get(self.get_cookie_name(app))
        if serializer is None or not given:
            return self.session_class()
        try:
            content, signed_at = serializer.loads(given, return_timestamp=True)
        except BadSignature:
            return self.session_class()
        if datetime.now(UTC) - signed_at > app.permanent_session_lifetime:
            return self.session_class()
        return self.session_class(content)
