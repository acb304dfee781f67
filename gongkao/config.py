"""Settings, read from the environment and checked at start; each mistake gets one plain sentence."""

import contextlib
import os
import secrets
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import click
from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1024 * 1024
DATABASES = ("sqlite://", "postgresql://", "postgres://", "postgresql+psycopg://")
# What each setting may be, for whoever typed it wrongly.
_MAY_BE = {
    "mode": "应为 production（正式）、demonstration（演示）或 test（测试）",
    "instance": "应为数据文件夹的路径",
    "https": "应为 true 或 false",
    "trusted_proxies": "应为0至5之间的整数，即前面有几层反向代理",
    "max_request_megabytes": "应为12至1024之间的整数（兆字节）",
    "session_idle_minutes": "应为5至720之间的整数（分钟）",
    "session_hours": "应为1至168之间的整数（小时）",
    "request_log": "应为 true 或 false",
    "slow_query_ms": "应为0至60000之间的整数（毫秒），0为不记录",
    "metrics": "应为 true 或 false",
    "job_days": "应为1至3650之间的整数（天）",
    "max_concurrent": "应为0至1000之间的整数，0为不限",
    "agency_second_factor": "应为 true 或 false",
    "reports_max_lag_seconds": "应为1至3600之间的整数（秒）",
    "s3_addressing": "应为 path（存储桶名在路径中）或 virtual（存储桶名在域名中）",
    "clock": "应为日期，如 2025-03-20",
}


class SettingsError(click.ClickException):
    """A setting is missing or wrong. The message names the environment variable and the mend.

    The `flask` command shows the message alone, without a trace.
    """

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file, err=True)


@dataclass(frozen=True)
class S3Place:
    """Where an S3-compatible store is, and how to get in."""

    endpoint: str
    bucket: str
    key_id: str
    secret: str
    region: str
    addressing: str


class Settings(BaseSettings):
    """Every setting of the system; each is an environment variable with the prefix ``GONGKAO_``."""

    model_config = SettingsConfigDict(env_prefix="GONGKAO_", extra="ignore")

    mode: Literal["production", "demonstration", "test"] = "production"
    instance: Path = ROOT / "var"
    database_url: str = ""
    secret_key: str = ""
    audit_key: str = ""
    https: bool = False
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    public_url: str = "http://127.0.0.1:8000"
    max_request_megabytes: int = Field(default=64, ge=12, le=1024)
    session_idle_minutes: int = Field(default=60, ge=5, le=720)
    session_hours: int = Field(default=12, ge=1, le=168)
    request_log: bool = False
    slow_query_ms: int = Field(default=0, ge=0, le=60000)
    metrics: bool = False
    max_concurrent: int = Field(default=0, ge=0, le=1000)
    job_days: int = Field(default=30, ge=1, le=3650)
    agency_second_factor: bool = False
    smtp_host: str = ""
    smtp_port: int = Field(default=25, ge=1, le=65535)
    smtp_sender: str = ""
    smtp_user: str = ""
    smtp_password: str = ""
    smtp_starttls: bool = False
    sms_gateway: str = ""
    keys_file: Path | None = None
    backup_key: Path | None = None
    backup_recipient: str = ""
    limiter_storage: str = ""
    redis_url: str = ""
    reports_database_url: str = ""
    reports_max_lag_seconds: int = Field(default=30, ge=1, le=3600)
    s3_endpoint: str = ""
    s3_bucket: str = ""
    s3_key_id: str = ""
    s3_secret: str = ""
    s3_region: str = "us-east-1"
    s3_addressing: Literal["path", "virtual"] = "path"
    clock: date | None = None

    @model_validator(mode="after")
    def check_together(self) -> "Settings":
        """The clock may be set in tests and demonstrations only; a key of one's own must be long; addresses begin
        as addresses do."""
        wrong = []
        if self.clock is not None and self.mode == "production":
            wrong.append("GONGKAO_CLOCK：正式环境不能设定日期，请删除该设置")
        if self.smtp_host and not self.smtp_sender:
            raise ValueError("GONGKAO_SMTP_SENDER：设置了邮件服务器时，须填写发件人地址")
        if self.audit_key and len(self.audit_key) < 32:
            raise ValueError("GONGKAO_AUDIT_KEY：至少需要32个字符")
        if self.secret_key and len(self.secret_key) < 32:
            wrong.append("GONGKAO_SECRET_KEY：至少需要32个字符")
        if self.database_url and not self.database_url.startswith(DATABASES):
            wrong.append("GONGKAO_DATABASE_URL：应以 sqlite:// 或 postgresql:// 开头，不填则使用数据文件夹中的 SQLite")
        if not self.public_url.startswith(("http://", "https://")):
            wrong.append("GONGKAO_PUBLIC_URL：应以 http:// 或 https:// 开头")
        if self.redis_url and not self.redis_url.startswith(("redis://", "rediss://")):
            wrong.append("GONGKAO_REDIS_URL：应以 redis:// 开头，不填则任务队列使用数据文件夹中的文件")
        if self.limiter_storage and not self.limiter_storage.startswith(("memory://", "redis://", "rediss://")):
            wrong.append("GONGKAO_LIMITER_STORAGE：应以 memory:// 或 redis:// 开头，不填则随 GONGKAO_REDIS_URL")
        wrong += [*self._wrong_reports_database(), *self._wrong_s3()]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def _wrong_reports_database(self) -> list[str]:
        if not self.reports_database_url:
            return []
        if not self.reports_database_url.startswith(DATABASES[1:]):
            return ["GONGKAO_REPORTS_DATABASE_URL：应以 postgresql:// 开头，不填则报表使用主数据库"]
        if not self.database_url.startswith(DATABASES[1:]):
            return ["GONGKAO_REPORTS_DATABASE_URL：主数据库（GONGKAO_DATABASE_URL）是 PostgreSQL 时才能设置只读副本"]
        return []

    def _wrong_s3(self) -> list[str]:
        names = ("s3_endpoint", "s3_bucket", "s3_key_id", "s3_secret")
        missing = [f"GONGKAO_{name.upper()}" for name in names if not getattr(self, name)]
        if len(missing) == len(names):
            return []
        if missing:
            return [f"{name}：使用对象存储须同时填写地址、存储桶、密钥编号和密钥，请补填" for name in missing]
        if not self.s3_endpoint.startswith(("http://", "https://")):
            return ["GONGKAO_S3_ENDPOINT：应以 http:// 或 https:// 开头"]
        return []

    @property
    def s3(self) -> S3Place | None:
        """The object store; None where files are kept in the data folder."""
        if not self.s3_endpoint:
            return None
        return S3Place(
            self.s3_endpoint, self.s3_bucket, self.s3_key_id, self.s3_secret, self.s3_region, self.s3_addressing
        )

    @property
    def resolved_limiter_storage(self) -> str:
        """Where attempts are counted: together in Redis where there is one, else in each process."""
        return self.limiter_storage or self.redis_url or "memory://"

    @property
    def demonstration(self) -> bool:
        return self.mode == "demonstration"

    @property
    def resolved_database_url(self) -> str:
        """The database's URL; PostgreSQL always through psycopg 3, SQLite in the instance folder by default."""
        return _through_psycopg(self.database_url or f"sqlite:///{(self.instance / 'gongkao.sqlite3').resolve()}")

    @property
    def resolved_reports_database_url(self) -> str:
        """The replica's URL, likewise; empty where there is none."""
        return _through_psycopg(self.reports_database_url)

    @property
    def resolved_keys_file(self) -> Path:
        """Where the master keys lie that everything sealed depends on."""
        return self.keys_file or self.instance / "keys.json"

    def resolved_secret_key(self) -> str:
        """The signing key: the setting, or one made once and kept readable by its owner alone."""
        return self.secret_key or self._kept("secret_key")

    def resolved_audit_key(self) -> bytes:
        """The key that proves the audit trail, likewise; it must never change while the trail is kept."""
        return (self.audit_key or self._kept("audit_key")).encode()

    def _kept(self, name: str) -> str:
        path = self.instance / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{name}-{secrets.token_hex(8)}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_hex(32), encoding="ascii")
            # Whole or not there, and never replaced: several processes may start at once.
            with contextlib.suppress(FileExistsError):
                os.link(fresh, path)
            fresh.unlink()
        return path.read_text(encoding="ascii").strip()


def _through_psycopg(url: str) -> str:
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; raise SettingsError with one line for every wrong one."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            if problem["loc"]:
                name = str(problem["loc"][0])
                lines.append(f"GONGKAO_{name.upper()}：{_MAY_BE.get(name, '填写有误')}")
            else:
                lines.append(problem["msg"].removeprefix("Value error, "))
        raise SettingsError("设置有误：\n" + "\n".join(lines)) from error
