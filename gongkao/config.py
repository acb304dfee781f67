"""Settings, read from the environment and checked at start; each mistake gets one plain sentence."""

import secrets
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1024 * 1024


class SettingsError(Exception):
    """A setting is missing or wrong. The message names the environment variable and the mend."""


class Settings(BaseSettings):
    """Every setting of the system; each is an environment variable with the prefix ``GONGKAO_``."""

    model_config = SettingsConfigDict(env_prefix="GONGKAO_", extra="ignore")

    mode: Literal["production", "demonstration", "test"] = "production"
    instance: Path = ROOT / "var"
    database_url: str = ""
    secret_key: str = ""
    https: bool = False
    public_url: str = "http://127.0.0.1:8000"
    max_request_megabytes: int = Field(default=64, ge=12, le=1024)
    session_idle_minutes: int = Field(default=60, ge=5, le=720)
    limiter_storage: str = "memory://"
    clock: date | None = None

    @model_validator(mode="after")
    def check_together(self) -> "Settings":
        """The clock may be set in tests and demonstrations only; a key of one's own must be long."""
        if self.clock is not None and self.mode == "production":
            raise ValueError("GONGKAO_CLOCK：正式环境不能设定日期，请删除该设置")
        if self.secret_key and len(self.secret_key) < 32:
            raise ValueError("GONGKAO_SECRET_KEY：至少需要32个字符")
        return self

    @property
    def demonstration(self) -> bool:
        return self.mode == "demonstration"

    @property
    def resolved_database_url(self) -> str:
        """The database's URL; PostgreSQL always through psycopg 3, SQLite in the instance folder by default."""
        url = self.database_url or f"sqlite:///{(self.instance / 'gongkao.sqlite3').resolve()}"
        for prefix in ("postgresql://", "postgres://"):
            if url.startswith(prefix):
                return "postgresql+psycopg://" + url.removeprefix(prefix)
        return url

    def resolved_secret_key(self) -> str:
        """The signing key: the setting, or one made once and kept readable by its owner alone."""
        if self.secret_key:
            return self.secret_key
        path = self.instance / "secret_key"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(32), encoding="ascii")
        return path.read_text(encoding="ascii").strip()


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; raise SettingsError with one line for every wrong one."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            where = "GONGKAO_" + "_".join(str(part) for part in problem["loc"]).upper() if problem["loc"] else ""
            message = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{where}：{message}" if where else message)
        raise SettingsError("设置有误：\n" + "\n".join(lines)) from error
