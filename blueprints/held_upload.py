"""A previewed file that is now to be committed: its hash and name, signed, in a hidden field of the form."""

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from blueprints.helpers import account
from gongkao.services.errors import FieldsRefused

MAX_AGE_SECONDS = 12 * 3600


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
