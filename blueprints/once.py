"""A post that comes twice (a second click, a lost answer, a page sent again) is handled once.

Every form carries a random key that the session keeps until a post was answered: a page that is opened again because no
answer came has the same key. What counts as the same post is the same key with the same content from the same person at
the same address: a page gone back to and sent with something else is another post.
"""

import hashlib
import json
import secrets

from flask import flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from blueprints.helpers import account, safe_next
from gongkao.services import handled
from gongkao.services.handled import Post

FIELD = "request_key"
_NOTE = "这次提交已经办理，没有重复办理。"
_CHUNK = 1024 * 1024


def request_key() -> str:
    """The key that the forms of the page carry."""
    if FIELD not in session:
        session[FIELD] = secrets.token_urlsafe(12)
    return str(session[FIELD])


def recognise() -> ResponseReturnValue | None:
    """Run before every request, once it is known who asks: what was handled already leads where its answer led."""
    handled.post.set(None)
    if request.method != "POST" or not request.form.get(FIELD):
        return None
    digest = _digest()
    location = handled.earlier(digest)
    if location is not None:
        return _lead_on(location)
    handled.post.set(Post(digest))
    return None


def note_answer(response: Response) -> Response:
    """Run after every request: an answer that leads on is where the same post leads again.

    A refusal after all asks for the page once more, so its key must still count. After a failure only what the
    transaction kept is known, and that stays.
    """
    present = handled.post.get()
    handled.post.set(None)
    if present is not None and present.kept:
        if response.location:
            handled.answered(present.digest, response.location)
        elif 400 <= response.status_code < 500:
            handled.give_back(present.digest)
        if response.status_code < 400:
            session.pop(FIELD, None)
    return response


def already_handled(_error: handled.AlreadyHandled) -> ResponseReturnValue:
    """The answer to the second of two at the same moment; the first may not have been answered yet."""
    present = handled.post.get()
    return _lead_on(handled.earlier(present.digest) or "" if present is not None else "")


def _lead_on(location: str) -> ResponseReturnValue:
    flash(_NOTE, "info")
    # The copy of the form that the browser may still hold is not needed any more.
    session["saved"] = request.path
    session.pop(FIELD, None)
    return redirect(location or _page_of_the_form())


def _page_of_the_form() -> str:
    """Where the answer's place is not known: the page the form stands on."""
    if request.url_rule is not None and "GET" in (request.url_rule.methods or ()):
        return request.full_path.rstrip("?")
    referrer = request.referrer or ""
    if referrer.startswith(request.host_url):
        return safe_next(f"/{referrer.removeprefix(request.host_url)}") or url_for("accounts.home")
    return url_for("accounts.home")


def _digest() -> str:
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    files = [(name, one.filename, _content(one)) for name, one in request.files.items(multi=True)]
    owner = account().id if current_user.is_authenticated else None
    said = [owner, request.full_path, fields, files]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def _content(upload: FileStorage) -> str:
    found = hashlib.sha256()
    while chunk := upload.stream.read(_CHUNK):
        found.update(chunk)
    upload.stream.seek(0)
    return found.hexdigest()
