"""The `flask` commands."""

import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade

from gongkao.jobs import records, worker
from gongkao.models import Role
from gongkao.sealing import keyring
from gongkao.services import (
    audit_trail,
    backup,
    deferrals,
    files,
    handled,
    installation,
    keys,
    outgoing,
    servers,
    sessions,
    sign_in,
    upkeep,
)
from gongkao.services.errors import Refused
from gongkao.services.file_copy import Outcome, carry_files, prove_files
from gongkao.storage import open_store, store


def register(app: Flask) -> None:
    app.cli.add_command(init)
    app.cli.add_command(demo)
    app.cli.add_command(deadlines)
    app.cli.add_command(outgoing_messages)
    app.cli.add_command(worker_command)
    app.cli.add_command(audit_commands)
    app.cli.add_command(backup_command)
    app.cli.add_command(restore_command)
    app.cli.add_command(key_commands)
    app.cli.add_command(files_commands)
    app.cli.add_command(check_command)


@click.command()
@with_appcontext
def init() -> None:
    """Set up an empty production instance and print the provincial centre's first one-time password."""
    try:
        issued = installation.set_up(Role.AGENCY_MANAGER)
    except Refused as error:
        raise click.ClickException(error.message) from error
    click.echo("系统已初始化。省职业技能等级评价指导中心管理账户（一次性密码只显示这一次）：")
    click.echo(f"  账户：{issued.account.username}")
    click.echo(f"  密码：{issued.password}")


def _as_many(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    from gongkao.services import province

    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= province.MOST):
        raise click.ClickException(f"--applications 应为1至{province.MOST}之间的整数，如 --applications 1000000。")
    return int(value)


@click.command()
@click.option("--applications", callback=_as_many, help="a whole invented province with so many, in an empty database")
@click.option("--seed", type=int, default=2025, help="the same seed makes the same province")
@with_appcontext
def demo(applications: int | None, seed: int) -> None:
    """Bring the database up to date, load the demonstration county, and print one account for every role."""
    if not current_app.config["GONGKAO"].demonstration:
        raise click.ClickException("演示数据只能装入演示系统：请设置 GONGKAO_MODE=demonstration。")
    if applications is not None:
        _make_province(applications, seed)
        return
    # Invented people are loaded here alone: no server needs them.
    from gongkao.services import demonstration

    click.echo("正在准备演示数据，首次约需半分钟……", err=True)
    upgrade()
    demonstration.load()
    for line in demonstration.account_lines():
        click.echo(line)


def _make_province(applications: int, seed: int) -> None:
    from gongkao.services import demonstration, province

    upgrade()
    label = f"正在生成{applications}份申报"
    try:
        with click.progressbar(length=applications, label=label, file=sys.stderr) as bar:
            made = province.load(applications, seed=seed, password=demonstration.PASSWORD, progress=bar.update)
    except Refused as error:
        raise click.ClickException(error.message) from error
    click.echo(f"已生成{made.units}个单位、{made.people}人、{made.applications}份申报，共{made.rows}行。")
    for line in province.account_lines(demonstration.PASSWORD):
        click.echo(line)


@click.group()
def deadlines() -> None:
    """What happens by itself when a day has passed."""


@deadlines.command("run")
@with_appcontext
def run_deadlines() -> None:
    """Fail deferrals that were not made up in time, remind of those still open, clear old results of bulk work.

    Safe to run again.
    """
    done = deferrals.run_deadlines()
    sessions.forget_ended()
    sign_in.forget_old()
    handled.forget_old()
    upkeep.refresh_statistics()
    cleared = records.clear_old(current_app.config["GONGKAO"].job_days)
    removed = files.sweep()
    click.echo(f"容缺后补：逾期不通过{done.failed}人，提醒{done.reminded}人。")
    click.echo(f"批量任务：清理过期结果{cleared}项；删除不再使用的文件{removed}个。")


@click.group("outgoing")
def outgoing_messages() -> None:
    """Messages on their way out, by mail or SMS."""


@outgoing_messages.command("send")
@with_appcontext
def send_outgoing() -> None:
    """Send the messages that wait. Without a channel in the settings nothing is sent."""
    settings = current_app.config["GONGKAO"]
    done = outgoing.send_waiting(outgoing.channels(settings), settings.public_url)
    click.echo(f"已发送{done.sent}条，暂未发出{done.failed}条，无法送达{done.unreachable}条。")


@click.group("audit")
def audit_commands() -> None:
    """The audit trail."""


@audit_commands.command("seal")
@with_appcontext
def seal_audit() -> None:
    """Seal what was written since the last seal; a timer calls this."""
    click.echo(f"已封存{audit_trail.seal()}条操作记录。")


@audit_commands.command("verify")
@with_appcontext
def verify_audit() -> None:
    """Prove that nothing in the audit trail was changed, taken out, put in or moved; exits with 1 otherwise."""
    found = audit_trail.verify(lambda done, total: _tell_progress("核对操作记录", done, total))
    for problem in found.problems:
        click.echo(problem, err=True)
    if not found.intact:
        raise click.ClickException(f"操作记录有{len(found.problems)}处异常。")
    click.echo(f"操作记录完整：共{found.entries}条，其中已封存{found.sealed}条。")


def _tell_progress(what: str, done: int, total: int) -> None:
    share = f"{done}/{total}" if total else str(done)
    click.echo(f"\r{what} {share}      ", nl=done == total, err=True)


@click.group("keys")
def key_commands() -> None:
    """The keys that seal identity numbers, mobile numbers and files."""


@key_commands.command("list")
@with_appcontext
def list_keys() -> None:
    """Tell which data keys and master keys there are, never their secrets."""
    for one in keys.lines():
        state = "使用中" if one.in_use else f"{one.retired_at:%Y-%m-%d}停用" if one.retired_at else "待换下"
        click.echo(f"数据密钥 {one.id}　{one.purpose.label}　{one.created_at:%Y-%m-%d}生成　{state}")
    click.echo(f"主密钥 {'、'.join(keyring().master_ids)}（{keyring().path}）")


@key_commands.command("rotate")
@with_appcontext
def rotate_keys() -> None:
    """Seal every row and file anew with fresh data keys, while people work. Stopped, it goes on where it was."""
    try:
        done = keys.rotate(lambda what, number, total: _tell_progress(f"重新加密 {what}", number, total))
    except Refused as error:
        raise click.ClickException(error.message) from error
    click.echo(f"已更换数据密钥：重新加密{done.rows}行数据、{done.files}个文件。")
    if done.missing:
        click.echo(f"有{done.missing}个文件不在存储中，请核对备份。", err=True)


@key_commands.command("rotate-master")
@with_appcontext
def rotate_master_key() -> None:
    """Wrap the data keys with a fresh master key and take the old one out of the file."""
    name, count = keys.rotate_master()
    click.echo(f"已更换主密钥：{count}把数据密钥改由主密钥{name}加密。请立即另存一份密钥文件“{keyring().path}”。")


def _backup_key() -> Path:
    settings = current_app.config["GONGKAO"]
    return settings.backup_key or settings.instance / "backup.key"


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
def backup_command(file: Path) -> None:
    """Write a consistent, encrypted copy of database and files to FILE, while people work."""
    try:
        recipient = current_app.config["GONGKAO"].backup_recipient or backup.make_key(_backup_key())
        contents = backup.backup(file, recipient, _tell_progress)
    except backup.BackupRefused as error:
        raise click.ClickException(error.message) from error
    click.echo(f"已备份{contents.rows}行数据、{contents.files}个文件到 {file}。")
    click.echo("没有密钥就不能恢复：请把备份密钥另存一份，与备份分开保管。")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
def restore_command(file: Path) -> None:
    """Put the backup FILE back into an empty, migrated database and its files into the store."""
    try:
        contents = backup.restore(file, _backup_key(), _tell_progress)
    except backup.BackupRefused as error:
        raise click.ClickException(error.message) from error
    moment = contents.taken_at.strftime("%Y-%m-%d %H:%M")
    click.echo(f"已恢复{moment}的备份：{contents.rows}行数据、{contents.files}个文件。")


@click.command("check")
@click.option("--new-keys", is_flag=True, help="all servers have new keys: compare with this one's from now on")
@with_appcontext
def check_command(new_keys: bool) -> None:
    """Whether this server is set up as the others are: everything shared answers, and the keys are the same."""
    lines = servers.check(current_app.config["GONGKAO"], anew=new_keys)
    for line in lines:
        click.echo(f"{line.what}：{line.words}", err=not line.well)
    if not all(line.well for line in lines):
        raise click.ClickException("有不符之处，请先改正再启动本机的服务。")


@click.group("files")
def files_commands() -> None:
    """The uploaded files in their store."""


@files_commands.command("copy")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="only what was stored on this day or later")
@with_appcontext
def copy_files_command(folder: Path | None, since: datetime | None) -> None:
    """Carry the files of FOLDER (the data folder's own by default) into the object store of the settings.

    While people work; stopped and run again, it goes on where it was.
    """
    settings = current_app.config["GONGKAO"]
    if settings.s3 is None:
        raise click.ClickException("没有设置对象存储，请先填写 GONGKAO_S3_ENDPOINT 等设置（docs/scaling.md）。")
    source = open_store(folder or settings.instance / "files")
    outcome = _deal_with_files(lambda: carry_files(source, store(), _tell_progress, _day(since)))
    click.echo(f"已复制{outcome.done}个文件，{outcome.there}个已在对象存储中，全部核对无误。")


@files_commands.command("check")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="only what was stored on this day or later")
@with_appcontext
def check_files_command(since: datetime | None) -> None:
    """Read every file from its store and compare it with its hash; exits with 1 where one is missing or damaged."""
    outcome = _deal_with_files(lambda: prove_files(store(), _tell_progress, _day(since)))
    click.echo(f"已检查{outcome.done}个文件，全部完好。")


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _deal_with_files(work: Callable[[], Outcome]) -> Outcome:
    try:
        outcome = work()
    except OSError as error:
        raise click.ClickException(f"文件存储没有响应，已停止：{error}。恢复后再次运行，会从中断处继续。") from error
    for problem in outcome.problems:
        click.echo(problem, err=True)
    if outcome.problems:
        raise click.ClickException(f"有{len(outcome.problems)}个文件缺失或损坏，请从备份中找回后再次运行。")
    return outcome


@click.command("worker")
@click.option("--processes", type=click.IntRange(1, 64), default=worker.usual_processes, help="how many make papers")
@with_appcontext
def worker_command(processes: int) -> None:
    """Do the background work until stopped: batches of papers, certificates, the archive. One a machine is enough."""
    worker.work(processes)
