"""The `flask` commands."""

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from gongkao.models import Role
from gongkao.services import demonstration, installation
from gongkao.services.errors import Refused


def register(app: Flask) -> None:
    app.cli.add_command(init)
    app.cli.add_command(demo)


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
    demonstration.load()
    for line in demonstration.account_lines():
        click.echo(line)
