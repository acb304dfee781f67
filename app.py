"""The application: wiring only, and the entry point of the `flask` command."""

import gc
from datetime import timedelta
from typing import Any

from flask import Flask, Response, abort, render_template, request, session
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import configure_mappers
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

import blueprints
from blueprints import frame, guard, helpers, once, static_files
from blueprints.cookies import CookieSessions
from gongkao import cli, clock, logs, sealing
from gongkao.capacity import Capacity
from gongkao.config import MEGABYTE, ROOT, Settings, load_settings
from gongkao.documents.fonts import CharacterMissing
from gongkao.extensions import REPLICA, csrf, db, limiter, login_manager, migrate, talisman
from gongkao.jobs import queue
from gongkao.rules.errors import RuleError
from gongkao.rules.fields import mask_numbers
from gongkao.services import audit, faults, replica, sessions
from gongkao.services.errors import Conflict, NotFound
from gongkao.services.faults import Fault
from gongkao.services.handled import AlreadyHandled
from gongkao.storage import configure_store
from gongkao.storage.uploads import size_text

CONTENT_POLICY = {
    "default-src": "'self'",
    "img-src": ["'self'", "data:", "blob:"],
    "object-src": "'self'",
    "frame-ancestors": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
}


class RowId(IntegerConverter):
    """A number in an address. No row has one past what the database's column holds, so that is not found."""

    def __init__(self, map: Any, **options: Any) -> None:
        super().__init__(map, **{"max": 2**31 - 1, **options})


def create_app(settings: Settings | None = None) -> Flask:
    """Build the app from the settings (from the environment when none are given). Raises SettingsError."""
    settings = settings or load_settings()
    app = Flask(__name__)
    app.config.update(
        GONGKAO=settings,
        SECRET_KEY=settings.resolved_secret_key(),
        SQLALCHEMY_DATABASE_URI=settings.resolved_database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings),
        SQLALCHEMY_BINDS=_replica(settings),
        MAX_CONTENT_LENGTH=settings.max_request_megabytes * MEGABYTE,
        MAX_FORM_PARTS=2000,
        PERMANENT_SESSION_LIFETIME=settings.session_idle_minutes * 60,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https,
        RATELIMIT_STORAGE_URI=settings.resolved_limiter_storage,
        RATELIMIT_STORAGE_OPTIONS=_limiter_options(settings),
        # While Redis is away each process counts for itself.
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_ENABLED=settings.mode != "test",
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.url_map.converters["int"] = RowId
    app.session_interface = CookieSessions()
    if settings.max_concurrent:
        app.wsgi_app = Capacity(app, app.wsgi_app, settings.max_concurrent)  # type: ignore[method-assign]
    if settings.trusted_proxies:
        # Behind nginx the browser's own address and scheme are what the proxy says.
        proxies = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]
    db.init_app(app)
    # Otherwise the first page would wait for it.
    configure_mappers()
    app.teardown_appcontext(_end_reading)
    configure_process(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    csrf.init_app(app)
    limiter.init_app(app)
    talisman.init_app(
        app,
        force_https=settings.https,
        session_cookie_secure=settings.https,
        strict_transport_security=settings.https,
        content_security_policy=CONTENT_POLICY,
        referrer_policy="same-origin",
    )
    login_manager.init_app(app)
    login_manager.user_loader(sessions.account_of)
    logs.init_app(app, settings)
    app.before_request(_note_origin)
    app.before_request(_recall_last_write)
    app.after_request(_keep_last_write)
    app.before_request(_refuse_unwritable)
    app.before_request(guard.check_entry)
    app.before_request(once.recognise)
    app.after_request(_keep_private)
    app.after_request(once.note_answer)
    app.context_processor(frame.context)
    _register_filters(app)
    _register_errors(app)
    static_files.init_app(app)
    blueprints.register(app)
    cli.register(app)
    return app


def configure_process(app: Flask) -> None:
    """Say what this process works with, by the app's settings: the day, files, keys, sessions, queue."""
    settings: Settings = app.config["GONGKAO"]
    settings.instance.mkdir(parents=True, exist_ok=True)
    _set_clock(settings)
    configure_store(settings.instance / "files", settings.s3)
    audit.configure(settings.resolved_audit_key())
    sessions.configure(
        idle=timedelta(minutes=settings.session_idle_minutes), longest=timedelta(hours=settings.session_hours)
    )
    replica.configure(settings.reports_max_lag_seconds if settings.reports_database_url else None)
    with app.app_context():
        sealing.configure(settings.resolved_keys_file, db.engine.url.render_as_string(hide_password=False))
    queue.init_app(app)


def _replica(settings: Settings) -> dict[str, Any]:
    """The database that reports are read from, if one is set; `services.replica` says what reads there."""
    if not settings.reports_database_url:
        return {}
    # A replica that is gone is found out soon; nothing can be written there.
    ways = {
        "connect_timeout": 3,
        "application_name": "gongkao-reports",
        "options": "-c default_transaction_read_only=on",
    }
    options = {"url": settings.resolved_reports_database_url, "connect_args": ways, "pool_pre_ping": True}
    return {REPLICA: {**options, "hide_parameters": True}}


def _engine_options(settings: Settings) -> dict[str, Any]:
    # An error's words may end in a log; what people typed must not.
    # A connection that broke while it lay idle is replaced unnoticed, as after a restart of the database.
    options: dict[str, Any] = {"hide_parameters": True, "pool_pre_ping": True}
    if settings.resolved_database_url.startswith("postgresql"):
        # A crowd of requests, some with a second connection, finds them open: to open one takes longer than most pages.
        options |= {"pool_size": 12, "max_overflow": 3}
    return options


def _limiter_options(settings: Settings) -> dict[str, Any]:
    # A Redis that is gone must not hold up the page.
    if settings.resolved_limiter_storage.startswith("redis"):
        return {"socket_connect_timeout": 1, "socket_timeout": 1}
    return {}


def _set_clock(settings: Settings) -> None:
    if settings.demonstration:
        default = settings.clock or clock.DEMONSTRATION_DAY
        clock.install(clock.DemonstrationClock(settings.instance / "demonstration-day", default))
    elif settings.clock is not None:
        clock.install(clock.on_day(settings.clock))
    else:
        clock.install(clock.real_time)


def _note_origin() -> None:
    audit.origin.set(request.remote_addr or "")


def _recall_last_write() -> None:
    replica.last_write.set(0.0 if request.endpoint == "static" else session.get("written", 0.0))


def _keep_last_write(response: Response) -> Response:
    """Whoever has changed something sees it, whichever server and database answers next."""
    written = replica.last_write.get()
    if written and written != session.get("written"):
        session["written"] = written
    return response


def _end_reading(_error: BaseException | None) -> None:
    """The answer is made: a database that goes away now takes nothing from it."""
    try:
        db.session.rollback()
    except SQLAlchemyError:
        db.session().invalidate()


def _keep_private(response: Response) -> Response:
    """Pages are for whoever asked: no cache between keeps them, and the browser asks again after signing out."""
    if request.endpoint != "static" and not response.cache_control.no_store:
        response.headers["Cache-Control"] = "private, no-cache"
    return response


def _refuse_unwritable() -> None:
    """No keyboard types the character NUL, and PostgreSQL cannot hold it."""
    sent = (*(request.view_args or {}).values(), *request.args.values(), *request.form.values())
    if any(isinstance(value, str) and "\0" in value for value in sent):
        abort(400)


def _register_filters(app: Flask) -> None:
    app.add_template_filter(helpers.long_date, "long_date")
    app.add_template_filter(lambda day: day.strftime("%Y-%m-%d") if day else "", "day")
    app.add_template_filter(lambda moment: moment.strftime("%Y-%m-%d %H:%M") if moment else "", "moment")
    app.add_template_filter(size_text, "file_size")
    app.add_template_filter(mask_numbers, "masked")
    app.add_template_global(once.request_key)


# What a person reads when a request cannot be answered: what happened, and what to do now.
_PAGES = {
    400: ("请求无法识别", "提交的内容不完整或已过期。请返回上一页，刷新后重新办理。"),
    403: ("没有办理权限", "您的账户不能办理这项业务。如需办理，请与本单位或同级工考管理机构联系。"),
    404: ("没有找到", "内容不存在，或不在您的办理范围内。请从首页重新进入。"),
    405: ("请求无法识别", "请从页面上的按钮办理。"),
    409: ("已被他人处理", "该记录刚刚被其他人处理过，您的操作没有生效。请刷新后查看最新情况。"),
    413: ("文件过大", "上传的文件超过系统限制。请压缩后重新上传。"),
    429: ("操作过于频繁", "为保护账户安全，请稍等几分钟后再试。"),
    500: ("系统出现故障", "您的操作没有完成，已填写并保存的内容不受影响。请稍后重试；多次出现请联系工考管理机构。"),
    503: ("系统繁忙", "当前办理人数较多，请稍后再试。已保存的内容不受影响。"),
}


_BACK = "用浏览器的“返回”回到刚才的页面（填写的内容还在，文件可能要重新选择），再提交一次；已经办理的不会重复办理。"
# The same for what goes wrong around the program: where something was to be seen, and where something was sent.
_FAULTS = {
    Fault.DATABASE_AWAY: (
        503,
        "系统暂时连接不上数据库",
        "请等一两分钟后重新加载。已保存的内容不受影响。",
        f"这次提交可能没有保存。请等一两分钟，{_BACK}",
    ),
    Fault.STORE_AWAY: (
        503,
        "文件暂时无法存取",
        "文件存储没有响应，请稍后再试。已保存的内容不受影响。",
        f"这次提交没有保存，以前保存的内容不受影响。请等一两分钟，{_BACK}",
    ),
    Fault.FULL: (
        507,
        "系统存储空间已满",
        "暂时不能办理，已保存的内容不受影响。请联系工考管理机构清理空间后再试。",
        f"这次提交没有保存，以前保存的内容不受影响。请联系工考管理机构清理空间，然后{_BACK}",
    ),
}
_RETRY_AFTER = "30"


def _register_errors(app: Flask) -> None:
    def page(code: int, title: str, text: str) -> tuple[str, int]:
        return render_template("errors/error.html", code=code, title=title, text=text), code

    def http_error(error: HTTPException) -> Any:
        if error.response is not None or error.code is None or error.code < 400:
            return error
        if error.code not in _PAGES:
            return page(error.code, *_PAGES[400])
        return page(error.code, *_PAGES[error.code])

    def internal_error(error: Any) -> Any:
        fault = faults.kind_of(getattr(error, "original_exception", None))
        code, title, text = fault_page(fault) if fault is not None else (500, *_PAGES[500])
        try:
            db.session.rollback()
            answer, _ = page(code, title, text)
        except SQLAlchemyError:
            # Without the database there is no frame to stand in.
            code, title, text = fault_page(fault or Fault.DATABASE_AWAY)
            answer = app.jinja_env.get_template("errors/plain.html").render(title=title, text=text)
        return answer, code, {"Retry-After": _RETRY_AFTER} if code == 503 else {}

    def fault_page(fault: Fault) -> tuple[int, str, str]:
        code, title, shown, sent = _FAULTS[fault]
        return code, title, sent if request.method == "POST" else shown

    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(500, internal_error)
    app.register_error_handler(
        CSRFError,
        lambda _error: page(400, "页面已过期", "登录状态已变化或页面打开时间过长。请返回上一页刷新后重新提交。"),
    )
    app.register_error_handler(AlreadyHandled, once.already_handled)
    app.register_error_handler(NotFound, lambda _error: page(404, *_PAGES[404]))
    app.register_error_handler(StaleDataError, lambda _error: page(409, *_PAGES[409]))
    app.register_error_handler(Conflict, lambda error: page(409, _PAGES[409][0], error.message))
    app.register_error_handler(CharacterMissing, lambda error: page(409, "文书未生成", error.message))
    app.register_error_handler(RuleError, lambda error: page(409, "暂时不能办理", error.message))


# What has been loaded stays as long as the process: it is not looked through for garbage again, nor at the end, and
# processes forked from this one go on sharing it.
gc.freeze()
