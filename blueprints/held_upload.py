"""A table that is uploaded, judged and shown, and then committed: by its hash and name, signed, in the next form."""

from collections.abc import Callable
from typing import TypeVar

from flask import current_app
from flask_wtf.file import FileField
from itsdangerous import BadSignature, URLSafeTimedSerializer
from wtforms import HiddenField

from blueprints.forms import Form
from blueprints.helpers import account, attempt
from gongkao.services.errors import FieldsRefused

MAX_AGE_SECONDS = 12 * 3600
Preview = TypeVar("Preview")


class ImportForm(Form):
    file = FileField("Excel 表格")


class CommitForm(Form):
    held = HiddenField()


def judged(form: ImportForm, judge: Callable[[bytes, str], Preview]) -> Preview | None:
    """What judging the uploaded table found; None without one, or where it cannot be read, as the form then says."""
    if not form.validate_on_submit():
        return None
    sent = form.file.data
    data, name = (sent.read(), sent.filename or "") if sent else (b"", "")
    return attempt(form, lambda: judge(data, name))[1]


def commit_form(purpose: str, digest: str, filename: str) -> CommitForm:
    """The form below a preview, with which the same file is committed."""
    return CommitForm(formdata=None, held=sign(purpose, digest, filename))


def committed(purpose: str, commit: Callable[[str, str], Preview]) -> Preview | None:
    """What committing the previewed table, by hash and name, came to; None where it was refused, as the page says."""
    form = CommitForm()
    if not form.validate_on_submit():
        return None
    return attempt(None, lambda: commit(*read(purpose, form.held.data or "")))[1]


def sign(purpose: str, digest: str, filename: str) -> str:
    """What the form carries; of use only to the same account and for the same purpose."""
    return str(_serializer(purpose).dumps([account().id, digest, filename]))


def read(purpose: str, token: str) -> tuple[str, str]:
    """The hash and name of the previewed file. Raises FieldsRefused for anything not signed here lately."""
    try:
        owner, digest, filename = _serializer(purpose).loads(token, max_age=MAX_AGE_SECONDS)
    except BadSignature as error:
        raise FieldsRefused({"file": "预览已过期，请重新上传表格。"}) from error
    if owner != account().id:
        raise FieldsRefused({"file": "预览已过期，请重新上传表格。"})
    return digest, filename


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt=f"held-upload:{purpose}")
