"""The `flask` commands."""

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from gongkao.models import Role
from gongkao.services import deferrals, demonstration, installation, outgoing
from gongkao.services.errors import Refused


def register(app: Flask) -> None:
    app.cli.add_command(init)
    app.cli.add_command(demo)
    app.cli.add_command(deadlines)
    app.cli.add_command(outgoing_messages)


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


@click.command()
@with_appcontext
def demo() -> None:
    """Load the starting data and the demonstration county, and print one account for every role."""
    if not current_app.config["GONGKAO"].demonstration:
        raise click.ClickException("演示数据只能装入演示系统：请设置 GONGKAO_MODE=demonstration。")
    click.echo("正在准备演示数据，首次约需半分钟……", err=True)
    demonstration.load()
    for line in demonstration.account_lines():
        click.echo(line)


@click.group()
def deadlines() -> None:
    """What happens by itself when a day has passed."""


@deadlines.command("run")
@with_appcontext
def run_deadlines() -> None:
    """Fail deferrals that were not made up in time, and remind of those still open. Safe to run again."""
    done = deferrals.run_deadlines()
    click.echo(f"容缺后补：逾期不通过{done.failed}人，提醒{done.reminded}人。")


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
