"""Messages on their way out: through a real SMTP conversation on loopback, and through a gateway of one's own."""

import socketserver
import threading
from collections.abc import Iterator

import pytest

from gongkao.config import Settings, SettingsError
from gongkao.extensions import db
from gongkao.models import Account, Message
from gongkao.services import messages, outgoing
from gongkao.services.outgoing import ChannelError, SendRun
from gongkao.services.transaction import transaction
from tests.world import World


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as a mail needs and keeps what it was given."""

    allow_reuse_address = True
    letters: list[str]


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.wfile.write(b"220 loopback\r\n")
        letter: list[str] | None = None
        for raw in self.rfile:
            line = raw.decode().rstrip("\r\n")
            if letter is not None:
                if line == ".":
                    self.server.letters.append("\n".join(letter))
                    letter = None
                    self.wfile.write(b"250 kept\r\n")
                else:
                    letter.append(line)
            elif line.upper() == "DATA":
                letter = []
                self.wfile.write(b"354 go on\r\n")
            elif line.upper() == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer(("127.0.0.1", 0), _Conversation) as server:
        server.letters = []
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


class Gateway:
    """An SMS gateway that fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.sent: list[tuple[str, str]] = []

    def address_of(self, account: Account) -> str | None:
        return account.mobile or None

    def send(self, address: str, title: str, body: str) -> None:
        if self.failures:
            self.failures -= 1
            raise ChannelError("busy")
        self.sent.append((address, title))


def _tell(account: Account, **changes: str) -> None:
    with transaction():
        for name, value in changes.items():
            setattr(account, name, value)
        messages.tell("account", "申报被退回，请修改", "学历与档案不符。", account_id=account.id)


def test_a_message_goes_out_by_mail_once(world: World, mail: MailServer) -> None:
    _tell(world.applicant, email="worker@example.invalid")
    settings = Settings(
        mode="test", smtp_host="127.0.0.1", smtp_port=mail.server_address[1], smtp_sender="gongkao@example.invalid"
    )
    by = outgoing.channels(settings)
    assert outgoing.send_waiting(by, "http://gongkao.invalid") == SendRun(1, 0, 0)
    assert outgoing.send_waiting(by, "http://gongkao.invalid") == SendRun(0, 0, 0)
    assert len(mail.letters) == 1 and "To: worker@example.invalid" in mail.letters[0]


def test_a_gateway_that_fails_is_tried_again_a_few_times(world: World) -> None:
    _tell(world.applicant, mobile="13800000000")
    gateway = Gateway(failures=2)
    runs = [outgoing.send_waiting([gateway], "http://gongkao.invalid") for _ in range(4)]
    assert [run.failed for run in runs] == [1, 1, 0, 0]
    assert gateway.sent == [("13800000000", "申报被退回，请修改")]


def test_it_gives_up_in_the_end_and_loses_nothing_in_the_inbox(world: World) -> None:
    _tell(world.applicant, mobile="13800000000")
    gateway = Gateway(failures=100)
    for _ in range(10):
        outgoing.send_waiting([gateway], "")
    assert gateway.failures == 100 - outgoing.MAX_ATTEMPTS
    assert db.session.query(Message).one().read_at is None


def test_whoever_no_channel_reaches_is_passed_over(world: World) -> None:
    _tell(world.applicant, mobile="", email="")
    assert outgoing.send_waiting([Gateway()], "") == SendRun(0, 0, 1)
    assert outgoing.send_waiting([], "") == SendRun(0, 0, 0)


def test_a_gateway_is_named_by_setting() -> None:
    found = outgoing.channels(Settings(mode="test", sms_gateway="tests.services.test_outgoing:Gateway"))
    assert [type(channel).__name__ for channel in found] == ["Gateway"]
    with pytest.raises(SettingsError, match="GONGKAO_SMS_GATEWAY"):
        outgoing.channels(Settings(mode="test", sms_gateway="nowhere:Gateway"))
