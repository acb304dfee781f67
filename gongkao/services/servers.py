"""Several servers of one system: whether this one is set up as the others are."""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from gongkao.config import Settings
from gongkao.extensions import db
from gongkao.models import AuditEntry
from gongkao.services import audit, replica
from gongkao.services.settings import health

# Where the servers leave the fingerprints of their keys for each other.
_PLACE = "gongkao:keys"
_SECONDS = 3


@dataclass(frozen=True)
class Line:
    """One thing looked at: whether it is well, and in words what was found or how to mend it."""

    what: str
    well: bool
    words: str


def check(settings: Settings, *, anew: bool = False) -> list[Line]:
    """Look at everything that servers share. With `anew` this server's keys become those that all are compared with."""
    found = health()
    lines = [
        Line("数据库", found["database"] == "ok", "正常" if found["database"] == "ok" else "没有响应"),
        Line("文件存储", found["storage"] == "ok", _where(settings) if found["storage"] == "ok" else "没有响应"),
    ]
    if "reports" in found:
        words = {replica.OK: "正常", replica.BEHIND: "落后过多，暂由主数据库代替"}
        lines.append(Line("报表数据库", True, words.get(found["reports"], "没有响应，暂由主数据库代替")))
    if found["database"] == "ok":
        lines.append(_audit_key())
    if settings.redis_url:
        lines += _keys_of_all(settings, anew)
    return lines


def _where(settings: Settings) -> str:
    return f"正常（对象存储 {settings.s3.bucket}）" if settings.s3 else "正常（本机数据文件夹，其他服务器看不到）"


def _audit_key() -> Line:
    """The last entry of the trail was made with the key that is used here, or by somebody who had another."""
    last = db.session.scalar(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1))
    if last is None or hmac.compare_digest(last.mac, audit.proof_of(last)):
        return Line("操作记录密钥", True, "与最近一条操作记录相符")
    return Line(
        "操作记录密钥",
        False,
        "与最近一条操作记录不符：请使用与其他服务器相同的 GONGKAO_AUDIT_KEY，再执行 flask audit verify",
    )


def fingerprint(key: str | bytes) -> str:
    """Twelve digits that tell two keys apart and tell nothing of them."""
    data = key.encode() if isinstance(key, str) else key
    return hmac.new(data, b"gongkao fingerprint", hashlib.sha256).hexdigest()[:12]


def _keys_of_all(settings: Settings, anew: bool) -> Iterator[Line]:
    from redis import Redis
    from redis.exceptions import RedisError

    own = {
        "GONGKAO_SECRET_KEY": fingerprint(settings.resolved_secret_key()),
        "GONGKAO_AUDIT_KEY": fingerprint(settings.resolved_audit_key()),
    }
    try:
        with Redis.from_url(settings.redis_url, socket_connect_timeout=_SECONDS, socket_timeout=_SECONDS) as redis:
            if anew:
                redis.delete(_PLACE)
            for name, mark in own.items():
                # The first server to look leaves its own.
                redis.hsetnx(_PLACE, name, mark)
            kept = {name: (redis.hget(_PLACE, name) or b"").decode() for name in own}
    except RedisError:
        yield Line("Redis", False, "没有响应，请检查 GONGKAO_REDIS_URL")
        return
    yield Line("Redis", True, "正常")
    for name, mark in own.items():
        if kept[name] == mark:
            yield Line(name, True, f"与其他服务器一致（{mark}）")
        else:
            yield Line(
                name,
                False,
                f"与其他服务器不一致（本机{mark}，其他{kept[name]}）：请改为与其他服务器相同；"
                "确已全部更换的，执行 flask check --new-keys",
            )
