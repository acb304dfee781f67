"""The second factor: a code of six digits from an app on one's own phone (TOTP, RFC 6238)."""

from datetime import datetime

import pyotp
import segno

from gongkao.clock import now, real_time
from gongkao.models import Account, Role
from gongkao.services import audit, messages, sessions
from gongkao.services.errors import FieldsRefused, Refused
from gongkao.services.passwords import verify_password
from gongkao.services.transaction import transaction

ISSUER = "河南工考"
STEP_SECONDS = 30
# A phone's clock may be a little off: the code before and the one after count too.
TOLERANCE = 1
_WRONG = "动态码不正确或已过期。请核对手机时间，输入最新的6位动态码。"


def begin(account: Account) -> str:
    """A fresh secret, which counts only once a code of it was entered. Raises Refused where one is in use."""
    with transaction():
        if account.totp_enabled_at is not None:
            raise Refused("动态码已启用。如需更换手机，请先停用。")
        if not account.totp_secret:
            account.totp_secret = pyotp.random_base32()
    return account.totp_secret


def picture(account: Account) -> str:
    """The secret as a QR code for the phone's app: a data URI of an SVG picture."""
    assert account.totp_secret is not None
    address = pyotp.TOTP(account.totp_secret).provisioning_uri(name=account.sign_in_name, issuer_name=ISSUER)
    return str(segno.make_qr(address, error="m").svg_data_uri(border=2, scale=4))


def enable(account: Account, code: str) -> None:
    """From now on signing in asks for a code. Raises FieldsRefused (field "code")."""
    with transaction():
        step = _matching_step(account, code)
        if step is None:
            raise FieldsRefused({"code": _WRONG})
        account.totp_enabled_at = now()
        account.totp_last_step = step
        audit.record(account, "enable_second_factor", account)


def verify(account: Account, code: str) -> bool:
    """Whether the code is the one of this moment; each counts once only."""
    with transaction():
        if account.totp_enabled_at is None:
            return False
        step = _matching_step(account, code)
        if step is None or (account.totp_last_step is not None and step <= account.totp_last_step):
            audit.record(account, "second_factor_failed", account)
            return False
        account.totp_last_step = step
    return True


def disable(account: Account, password: str) -> None:
    """Stop asking for codes, confirmed with the password. Raises FieldsRefused (field "password")."""
    if not verify_password(account.password_hash, password):
        raise FieldsRefused({"password": "密码不正确，请重新输入。"})
    with transaction():
        _forget(account)
        audit.record(account, "disable_second_factor", account)


def reset(actor: Account, account: Account) -> None:
    """Somebody lost the phone: take the second factor away, inside the caller's use case."""
    _forget(account)
    sessions.end_all(account)
    audit.record(actor, "reset_second_factor", account)
    messages.tell("account", "动态码已被重置", f"由{actor.office_name}办理。", "profile", account_id=account.id)


def required(account: Account, setting: bool) -> bool:
    """Whether the account must set it up before anything else: agencies, where the setting says so."""
    return setting and account.totp_enabled_at is None and account.role in (Role.AGENCY_OFFICER, Role.AGENCY_MANAGER)


def _forget(account: Account) -> None:
    account.totp_secret = None
    account.totp_enabled_at = None
    account.totp_last_step = None


def _matching_step(account: Account, code: str, at: datetime | None = None) -> int | None:
    # Phones know the real time only, also where a demonstration's day is set.
    if not account.totp_secret:
        return None
    digits = "".join(code.split())
    moment = (at or real_time()).timestamp()
    totp = pyotp.TOTP(account.totp_secret)
    for shift in range(-TOLERANCE, TOLERANCE + 1):
        step = int(moment) // STEP_SECONDS + shift
        if pyotp.utils.strings_equal(totp.generate_otp(step), digits):
            return step
    return None
