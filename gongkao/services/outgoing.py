"""Messages on their way out of the system: by mail or by an SMS gateway where the settings name one, never required.

A channel is anything with `address_of` and `send`. A gateway of one's own is named by the setting
GONGKAO_SMS_GATEWAY as "package.module:factory"; the factory takes no argument and gives back the channel.
"""

import importlib
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from typing import Protocol

from sqlalchemy import select

from gongkao.clock import now
from gongkao.config import Settings, SettingsError
from gongkao.extensions import db
from gongkao.models import Account, Message
from gongkao.services.transaction import transaction

MAX_ATTEMPTS = 5
# Older news is of no use to anybody.
MAX_AGE = timedelta(days=3)


class ChannelError(Exception):
    """The channel could not deliver; it is tried again later."""


class Channel(Protocol):
    """What carries messages out."""

    def address_of(self, account: Account) -> str | None:
        """Where the channel reaches the person; None where it does not."""

    def send(self, address: str, title: str, body: str) -> None:
        """Deliver one message. Raises ChannelError."""


@dataclass(frozen=True)
class MailChannel:
    """Mail through the office's own SMTP server."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = ""
    starttls: bool = False
    timeout_seconds: int = 20

    def address_of(self, account: Account) -> str | None:
        return account.email or None

    def send(self, address: str, title: str, body: str) -> None:
        letter = EmailMessage()
        letter["Subject"] = title
        letter["From"] = self.sender
        letter["To"] = address
        letter.set_content(body)
        try:
            with smtplib.SMTP(self.host, self.port, timeout=self.timeout_seconds) as server:
                if self.starttls:
                    server.starttls()
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(letter)
        except (smtplib.SMTPException, OSError) as error:
            raise ChannelError(str(error)) from error


def channels(settings: Settings) -> list[Channel]:
    """The channels that the settings name; none by default. Raises SettingsError for a gateway that cannot be had."""
    found: list[Channel] = []
    if settings.smtp_host:
        found.append(
            MailChannel(
                host=settings.smtp_host,
                port=settings.smtp_port,
                sender=settings.smtp_sender,
                user=settings.smtp_user,
                password=settings.smtp_password,
                starttls=settings.smtp_starttls,
            )
        )
    if settings.sms_gateway:
        module, _, factory = settings.sms_gateway.partition(":")
        try:
            found.append(getattr(importlib.import_module(module), factory)())
        except (ImportError, AttributeError, TypeError) as error:
            raise SettingsError(f"GONGKAO_SMS_GATEWAY：不能装入“{settings.sms_gateway}”：{error}") from error
    return found


@dataclass(frozen=True)
class SendRun:
    """What one run did: messages sent, failed for now, and without anybody whom a channel reaches."""

    sent: int
    failed: int
    unreachable: int


def send_waiting(by: Sequence[Channel], public_url: str, limit: int = 500) -> SendRun:
    """Send what waits, each message in a use case of its own; one that was sent is never sent again."""
    sent = failed = unreachable = 0
    if not by:
        return SendRun(0, 0, 0)
    query = (
        select(Message.id)
        .where(
            Message.sent_at.is_(None),
            Message.read_at.is_(None),
            Message.attempts < MAX_ATTEMPTS,
            Message.created_at > now() - MAX_AGE,
        )
        .order_by(Message.id)
        .limit(limit)
    )
    for message_id in db.session.scalars(query).all():
        outcome = _send_one(message_id, by, public_url)
        sent += outcome == "sent"
        failed += outcome == "failed"
        unreachable += outcome == "unreachable"
    return SendRun(sent, failed, unreachable)


def _send_one(message_id: int, by: Sequence[Channel], public_url: str) -> str:
    with transaction() as session:
        message = session.scalars(select(Message).where(Message.id == message_id).with_for_update(of=Message)).one()
        if message.sent_at is not None or message.attempts >= MAX_ATTEMPTS:
            return ""
        body = f"{message.body}\n请登录系统办理：{public_url}".strip()
        delivered = tried = False
        for account in _recipients(message):
            for channel in by:
                address = channel.address_of(account)
                if address is None:
                    continue
                tried = True
                try:
                    channel.send(address, message.title, body)
                    delivered = True
                except ChannelError:
                    continue
        if delivered:
            message.sent_at = now()
            return "sent"
        message.attempts = message.attempts + 1 if tried else MAX_ATTEMPTS
        return "failed" if tried else "unreachable"


def _recipients(message: Message) -> Sequence[Account]:
    own = {
        Account.id: message.account_id,
        Account.unit_id: message.unit_id,
        Account.agency_id: message.agency_id,
    }
    column, value = next((column, value) for column, value in own.items() if value is not None)
    return db.session.scalars(select(Account).where(column == value, Account.ended_at.is_(None))).all()
