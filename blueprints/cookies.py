"""The session's cookie."""

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import BadSignature


class CookieSessions(SecureCookieSessionInterface):
    """Flask's signed cookie, whatever the time it was signed at; when a session ends stands in the server's table.

    By its time alone everybody at work would be signed out in the middle of a form once the machine's clock is put
    right: cookies would seem old, or come from the future.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        serializer = self.get_signing_serializer(app)
        given = request.cookies.get(self.get_cookie_name(app))
        if serializer is None or not given:
            return self.session_class()
        try:
            return self.session_class(serializer.loads(given))
        except BadSignature:
            return self.session_class()
