"""The pages as a person uses them: what is filled in, pressed, read and downloaded."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pypdfium2
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page, expect

# Where pictures go when GONGKAO_SCREENSHOTS is set; var/ is not part of the repository.
PICTURES = Path(__file__).resolve().parents[2] / "var" / "screenshots"
TOO_BAD = ("serious", "critical")


def pdf_text(data: bytes) -> str:
    """All text of a PDF without white space."""
    document = pypdfium2.PdfDocument(data)
    text = "".join(page.get_textpage().get_text_range() for page in document)
    document.close()
    return "".join(text.split())


class Screen:
    """One person at one browser; `name` is part of the pictures' file names."""

    def __init__(self, context: BrowserContext, address: str, name: str) -> None:
        self.page: Page = context.new_page()
        self.address = address
        self.name = name
        self.failures: list[str] = []
        self.page.on("pageerror", lambda error: self.failures.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, message: Any) -> None:
        # The browser itself reports a refused form (422) as an error.
        if message.type == "error" and "status of 422" not in message.text:
            self.failures.append(message.text)

    def open(self, path: str) -> "Screen":
        self.page.goto(self.address + path)
        return self

    def headed(self, text: str) -> "Screen":
        """Wait for the page with this heading; where another stays, tell what that one says against going on."""
        try:
            expect(self.page.locator("h1")).to_contain_text(text)
        except AssertionError as error:
            error.add_note(f"{self.page.url}: {self.page.locator('main').inner_text()}")
            raise
        return self

    def says(self, text: str) -> "Screen":
        expect(self.page.locator("body")).to_contain_text(text)
        return self

    def field(self, name: str) -> Locator:
        return self.page.locator(f'[name="{name}"]')

    def fill(self, **fields: str) -> "Screen":
        for name, text in fields.items():
            self.field(name).fill(text)
        return self

    def pick(self, name: str, label: str) -> "Screen":
        """Choose from a select."""
        self.field(name).select_option(label=label)
        return self

    def tick(self, name: str, value: str | None = None) -> "Screen":
        """A radio button or a checkbox, by the words beside it as a finger would."""
        place = f'[name="{name}"]' + (f'[value="{value}"]' if value is not None else "")
        self.page.locator(place).check()
        return self

    def press(self, name: str) -> "Screen":
        self.page.get_by_role("button", name=name, exact=True).click()
        return self

    def confirm(self, name: str) -> "Screen":
        """Press a button that asks first, and agree."""
        self.page.wait_for_load_state()
        self.press(name)
        self.page.locator("dialog").get_by_role("button", name="确定").click()
        return self

    def follow(self, name: str) -> "Screen":
        self.page.get_by_role("link", name=name).first.click()
        return self

    def pdf(self, link: str) -> str:
        """The text of the PDF behind a link."""
        address = self.page.get_by_role("link", name=link).first.get_attribute("href")
        assert address is not None
        answer = self.page.request.get(self.address + address)
        assert answer.status == 200 and answer.headers["content-type"] == "application/pdf", answer.status
        return pdf_text(answer.body())

    def download(self, link: str) -> bytes:
        """What a link gives to keep."""
        with self.page.expect_download() as download:
            self.follow(link)
        return Path(download.value.path()).read_bytes()

    def pdf_by_button(self, name: str) -> str:
        """The text of the PDF that a button gives to download."""
        with self.page.expect_download() as download:
            self.press(name)
        return pdf_text(Path(download.value.path()).read_bytes())

    def look(self, name: str) -> "Screen":
        """Check that the page is usable with assistive technology and does not scroll sideways; keep a picture."""
        found = Axe().run(self.page).response["violations"]
        bad = [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found if one["impact"] in TOO_BAD]
        assert not bad, (name, self.page.url, bad)
        width = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width[0] <= width[1], (name, self.page.url, width)
        if os.environ.get("GONGKAO_SCREENSHOTS"):
            PICTURES.mkdir(parents=True, exist_ok=True)
            size = self.page.viewport_size or {"width": 0}
            self.page.screenshot(path=PICTURES / f"{name}-{size['width']}.png", full_page=True)
        return self

    @contextmanager
    def troubled(self, sign: str) -> Iterator[None]:
        """While something goes wrong of which the browser's complaint, known by the sign, is no failure."""
        before = len(self.failures)
        yield
        self.failures[before:] = [text for text in self.failures[before:] if sign not in text]

    def done(self) -> None:
        """Close; whatever the browser complained about on the way fails the journey."""
        assert self.failures == [], (self.name, self.failures)
        self.page.close()


class SignIn(Screen):
    """Anybody with an account."""

    def sign_in(self, username: str, password: str) -> "SignIn":
        self.open("/sign-in").headed("登录")
        self.fill(username=username, password=password)
        self.press("登录")
        return self

    def first_password(self, one_time: str, new: str) -> "SignIn":
        self.headed("设置新密码")
        self.fill(current=one_time, new=new, new_again=new)
        self.press("保存新密码")
        return self


class Visitor(Screen):
    """Somebody of a unit without an account, with the registration sheet."""

    def choose_unit(self, part: str, unit: str) -> "Visitor":
        self.open("/").headed("等级考核").follow("填报登记表")
        self.headed("填报管理人员登记表").fill(q=part)
        self.press("查找").follow(unit)
        self.headed("填写登记表")
        return self

    def hand_in(self, scan: dict[str, Any]) -> "Visitor":
        self.field("scan").set_input_files(scan)  # type: ignore[arg-type]
        self.press("上传并提交").says("已提交")
        return self


class Applicant(SignIn):
    def register(self, name: str, identity_number: str, mobile: str, password: str) -> "Applicant":
        self.open("/register").headed("申报人员注册")
        self.fill(name=name, identity_number=identity_number, mobile=mobile, password=password, password_again=password)
        self.tick("truth").press("注册").headed("我的申报")
        return self

    def next_step(self, heading: str) -> "Applicant":
        """Save this step and wait for the next one."""
        self.press("保存并继续").headed(heading)
        return self

    def upload(self, kind: str, *files: dict[str, Any]) -> "Applicant":
        """Choose files of a kind of material, which sends them (without scripts a button does); a photo is cut."""
        self.page.wait_for_load_state()
        part = self.page.locator(f"#material-{kind}")
        part.locator("input[type=file]").last.set_input_files(list(files))  # type: ignore[arg-type]
        send = part.get_by_role("button", name="上传", exact=True)
        if send.is_visible():
            send.click()
        elif kind == "photo":
            self.press("使用这张照片")
        expect(part).to_contain_text("已上传")
        return self


class Phone(Applicant):
    """An applicant on a slow line that can be cut."""

    # Milliseconds and bytes a second: a weak signal.
    SLOW: ClassVar[dict[str, Any]] = {"latency": 250, "downloadThroughput": 60_000, "uploadThroughput": 40_000}

    def on_a_slow_line(self) -> "Phone":
        self.line = self.page.context.new_cdp_session(self.page)
        self.line.send("Network.enable")
        self._set_line(offline=False)
        return self

    def _set_line(self, *, offline: bool) -> None:
        self.line.send("Network.emulateNetworkConditions", {"offline": offline, **self.SLOW})

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """While the line is cut."""
        with self.troubled("net::ERR"):
            self._set_line(offline=True)
            yield
            self._set_line(offline=False)


class Desk(SignIn):
    """A desk that reviews: a unit's, a supervising unit's, an agency's."""

    def open_first(self, person: str) -> "Desk":
        """Open the person's application from the queue."""
        self.open("/review").headed("审查办理")
        self.page.locator("tr", has_text=person).get_by_role("link").first.click()
        self.headed(person)
        return self

    def find_all_right(self) -> "Desk":
        for choice in self.page.locator(".check .verdict-pass").all():
            choice.click()
        for agreement in self.page.locator('[name="agree"]').all():
            agreement.check()
        return self

    def find_wrong(self, key: str, comment: str) -> "Desk":
        row = self.page.locator(f"#check-{key}")
        row.locator(".verdict-fail").click()
        row.locator(".check-comment").fill(comment)
        return self

    def type_keys(self, *keys: str) -> "Desk":
        """Press keys one after the other, wherever the focus is."""
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def pass_by_keys(self) -> "Desk":
        """Find every item all right with j and 1."""
        self.page.wait_for_load_state()
        for _ in self.page.locator("[data-check]").all():
            self.type_keys("j", "1")
        expect(self.page.locator("[data-decision-note]")).to_contain_text("全部通过")
        return self

    def move_to(self, key: str) -> "Desk":
        """Go to an item: up to the first with k, then down with j."""
        self.page.wait_for_load_state()
        number = self.page.locator("[data-check]").count()
        self.type_keys(*["k"] * number)
        for _ in range(number):
            if self.page.locator(f"#check-{key}:focus").count():
                return self
            self.type_keys("j")
        raise AssertionError(f"no item {key}")

    def decide_by_keys(self) -> "Desk":
        """Enter leads to the decision that can be taken, Enter takes it."""
        return self.type_keys("Enter", "Enter")

    def pass_on(self, button: str = "通过") -> "Desk":
        self.find_all_right().press(button)
        self.page.wait_for_url(re.compile(r"/review(\?.*)?$|/review/\d+"))
        return self
