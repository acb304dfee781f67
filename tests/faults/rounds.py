"""The harm, and what came of it: faults while several people work, then the ledger beside the database."""

import contextlib
import random
import resource
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import current_app
from flask_migrate import upgrade
from sqlalchemy import func, select

from gongkao import clock
from gongkao.extensions import db
from gongkao.models import (
    Account,
    ApplicationEvent,
    AuditEntry,
    Certificate,
    Job,
    JobFile,
    JobState,
    SiteIncident,
    StoredFile,
)
from gongkao.rules.workflow import Action, Status
from gongkao.services import audit_trail, sessions
from gongkao.storage import store
from tests import exams, factories, world
from tests.faults import stepped
from tests.faults.people import Browser, Ledger, Write, form_of, work
from tests.faults.site import Site, children, command_of, kill, wait_until
from tests.services import released

REGISTRATION_DAY = date(2025, 3, 20)
# Between two faults everybody gets at least this much done.
CALM = 3
_BALLAST = ".ballast"


@dataclass
class People:
    """Who is there to work and what waits for them; cookies by account name."""

    cookies: dict[str, str] = field(default_factory=dict)
    site_id: int = 0
    to_decide: list[int] = field(default_factory=list)
    to_submit: dict[str, int] = field(default_factory=dict)
    passed: int = 0


@dataclass
class Outcome:
    """What a run came to: all of it is to be nothing but `faults`, `acknowledged` and `resent`."""

    faults: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    resent: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def add(self, other: "Outcome") -> None:
        self.faults += other.faults
        self.acknowledged += other.acknowledged
        self.resent += other.resent
        for name in ("lost", "doubled", "wrong"):
            getattr(self, name).extend(getattr(other, name))
        self.seen |= other.seen


def prepare(people: People, *, decisions: int, submissions: int, certificates: int) -> Callable[[], None]:
    """What fills the site: the tests' world, a site of tests, applications at a desk and drafts, released results."""

    def fill() -> None:
        app: Any = current_app
        upgrade(directory=app.extensions["migrate"].directory)
        day = clock.source()
        clock.install(clock.on_day(REGISTRATION_DAY))
        world.build()
        here = world.World()
        people.site_id = exams.site(here).id
        for number in range(decisions):
            person = factories.person(f"审{number}", 2 * number + 1, date(1980, 1, 1))
            people.to_decide.append(factories.application(person, here.station, status=Status.UNIT_REVIEW).id)
        for number in range(submissions):
            person = factories.person(f"报{number}", 2 * number + 1, date(1981, 1, 1))
            people.to_submit[person.name] = factories.application(person, here.station).id
            account = db.session.scalars(select(Account).where(Account.person_id == person.id)).one()
            people.cookies[person.name] = _cookie(app, account)
        if certificates:
            at: Callable[[date], None] = lambda one: clock.install(clock.on_day(one))  # noqa: E731
            people.passed = len(released.release(here, at, [f"证{number}" for number in range(certificates)]))
        for name in ("gk410100", "gl410100", "dwstation", "gl410122"):
            people.cookies[name] = _cookie(app, here.account(name))
        clock.install(day)

    return fill


def _cookie(app: Any, account: Account) -> str:
    content = {"_user_id": sessions.begin(account), "_fresh": True, "_permanent": True}
    return str(app.session_interface.get_signing_serializer(app).dumps(content))


class Run:
    """One site with everybody at work, to be harmed."""

    def __init__(self, site: Site, people: People, seed: int) -> None:
        self.site, self.people, self.ledger, self.outcome = site, people, Ledger(), Outcome()
        self.chance = random.Random(seed)
        self._serial = iter(range(10**6))
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()

    def __enter__(self) -> "Run":
        self.site.start()
        officers = ("gk410100", "gl410100")
        everybody = [self._records_incidents(name) for name in officers]
        everybody += [self._keeps_plans(officers[0]), self._decides(), self._submits()]
        self._stop, self._threads = work(everybody)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._calm()
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        if kind is None:
            self._compare()

    # What people do.

    def _browser(self, name: str) -> Browser:
        return Browser(self.site.port, self.people.cookies[name], self.ledger)

    def _records_incidents(self, name: str) -> Callable[[threading.Event], Iterator[None]]:
        address = f"/sites/{self.people.site_id}/incidents"

        def go(stop: threading.Event) -> Iterator[None]:
            browser = self._browser(name)
            while page := browser.open(address, stop):
                token = f"incident-{next(self._serial)}."
                fields = {**form_of(page, address), "day": "2025-03-19", "at": "9:30", "what": token}
                browser.send(
                    address, {**fields, "measures": "已处置完毕。"}, self.ledger.begin("incident", token), stop
                )
                yield

        return go

    def _keeps_plans(self, name: str) -> Callable[[threading.Event], Iterator[None]]:
        address = f"/sites/{self.people.site_id}/check"

        def go(stop: threading.Event) -> Iterator[None]:
            browser = self._browser(name)
            while page := browser.open(address, stop):
                number = next(self._serial)
                token = f"plan-{number}"
                points = dict.fromkeys(("power", "recording", "rooms"), "yes")
                plan = (factories.pdf(1 + number % 200), f"{token}.pdf")
                fields = {**form_of(page, address), **points, "kept_at": token, "holder": "管一", "plan": plan}
                browser.send(address, fields, self.ledger.begin("plan", token), stop)
                yield

        return go

    def _decides(self) -> Callable[[threading.Event], Iterator[None]]:
        def go(stop: threading.Event) -> Iterator[None]:
            browser = self._browser("dwstation")
            for application_id in self.people.to_decide:
                address = f"/review/{application_id}"
                page = browser.open(address, stop)
                if page is None:
                    return
                write = self.ledger.begin("decision", str(application_id))
                browser.send(address, {**form_of(page, address), "action": "pass"}, write, stop)
                yield

        return go

    def _submits(self) -> Callable[[threading.Event], Iterator[None]]:
        address = "/application/preview"

        def go(stop: threading.Event) -> Iterator[None]:
            for name, application_id in self.people.to_submit.items():
                browser = self._browser(name)
                page = browser.open(address, stop)
                if page is None:
                    return
                browser.send(
                    address, form_of(page, address), self.ledger.begin("submission", str(application_id)), stop
                )
                yield

        return go

    # Faults.

    def suffer(self, name: str) -> None:
        """One fault in the middle of the work, of the kind named; the work goes on afterwards."""
        self._calm()
        time.sleep(self.chance.uniform(0, 0.1))
        fault: Callable[[], None] = getattr(self, f"_{name}")
        fault()
        self.outcome.faults[name] += 1

    def _calm(self) -> None:
        wanted = self.ledger.acknowledged + CALM
        try:
            wait_until("people get their work done", lambda: self.ledger.acknowledged >= wanted)
        except TimeoutError:
            log = self.site.server.log.read_text(errors="replace")[-3000:]
            raise TimeoutError(
                f"nothing gets done any more: {self.ledger.wrong[-3:]} {self.ledger.seen}\n{log}"
            ) from None

    def _kill_web_worker(self) -> None:
        wait_until("a worker of the app", self.site.workers)
        kill(self.chance.choice(self.site.workers()))

    def _kill_app(self) -> None:
        self.site.server.kill()
        self.site.start()

    def _kill_backend(self) -> None:
        assert self.site.database is not None
        postmaster = self.site.database.postmaster

        def backends() -> list[int]:
            return [pid for pid in children(postmaster) if "[local]" in command_of(pid)]

        wait_until("somebody is connected", backends)
        busy = [pid for pid in backends() if "idle" not in command_of(pid).split("[local]")[-1].split()]
        kill(self.chance.choice(busy or backends()))
        wait_until("the database is back", self.site.healthy)

    def _kill_database(self) -> None:
        assert self.site.database is not None
        kill(self.site.database.postmaster)
        self._wait_for_refusal()
        self._start_database()

    def _restart_database(self) -> None:
        assert self.site.database is not None
        self.site.database.stop(self.chance.choice(("fast", "immediate")))
        self._start_database()

    def _start_database(self) -> None:
        def started() -> bool:
            assert self.site.database is not None
            # What the killed server left behind must have ended first.
            with contextlib.suppress(RuntimeError):
                self.site.database.start()
                return True
            return False

        wait_until("the database starts", started)
        wait_until("the database is back", self.site.healthy)

    def _lose_storage(self) -> None:
        place = self.site.instance / "files"
        away = place.with_name("files-away")
        place.rename(away)
        self._wait_for_refusal()
        if self.site.healthy():
            self.ledger.complain("healthz says well without a store")
        if place.exists():
            self.ledger.complain("a lost store was begun anew")
            shutil.rmtree(place)
        away.rename(place)
        wait_until("the store is back", self.site.healthy)

    def _fill_disk(self) -> None:
        """To the last byte where the site has a disk of its own; else its processes may write no file any more."""
        ballast = self.site.volume / _BALLAST
        if self.site.small_disk:
            with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(b"\0" * 4096)
        else:
            self._limit_files(1)
        self._wait_for_refusal()
        ballast.unlink(missing_ok=True)
        self._limit_files(None)
        if self.site.database is not None and not command_of(self._postmaster()):
            self._start_database()
        wait_until("there is room again", self.site.healthy)

    def _postmaster(self) -> int:
        assert self.site.database is not None
        try:
            return self.site.database.postmaster
        except OSError:
            return -1

    def _limit_files(self, most: int | None) -> None:
        """How large a file the app may write, in bytes; None for as large as before."""
        for pid in (self.site.server.pid, *self.site.workers()):
            with contextlib.suppress(ProcessLookupError):
                _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if most is None else most, hard))

    def _step_clock(self) -> None:
        """Put on or back by less than a session lasts without a click, and right again."""
        file = self.site.instance / stepped.FILE
        for seconds in (self.chance.choice((-7200, -600, -5, 5, 600, 2400)), 0):
            file.write_text(str(seconds), encoding="ascii")
            self._calm()

    def _wait_for_refusal(self) -> None:
        """Until somebody has seen the fault."""
        before = self.ledger.failures
        wait_until("somebody sees the fault", lambda: self.ledger.failures > before)

    # What came of it.

    def _compare(self) -> None:
        found = self.outcome
        found.acknowledged, found.resent = self.ledger.acknowledged, self.ledger.resent
        found.wrong += self.ledger.wrong
        found.seen |= self.ledger.seen
        with self.site.app.app_context():
            times = _times_in_the_database()
            for write in self.ledger.writes:
                happened = times[write.kind][write.token]
                if write.acknowledged and happened == 0:
                    found.lost.append(f"{write.kind} {write.token}")
                if happened > 1:
                    found.doubled.append(f"{write.kind} {write.token}: {happened}")
            if times["incident"].total() != _count(AuditEntry, AuditEntry.action == "record_incident"):
                found.wrong.append("incidents and their audit entries differ in number")
            for row in db.session.scalars(select(StoredFile).where(StoredFile.name.startswith("plan-"))):
                if not store().exists(row.sha256):
                    found.lost.append(f"the file of {row.name}")
            audit_trail.seal()
            found.wrong += audit_trail.verify().problems
            db.session.remove()


def _times_in_the_database() -> dict[str, Counter[str]]:
    """How often each write happened, by kind and token."""

    def events(action: Action) -> Counter[str]:
        query = select(ApplicationEvent.application_id).where(ApplicationEvent.action == action)
        return Counter(str(one) for one in db.session.scalars(query))

    checks = select(AuditEntry.detail).where(AuditEntry.action == "check_exam_site")
    return {
        "incident": Counter(db.session.scalars(select(SiteIncident.what))),
        "plan": Counter(str(detail["kept_at"]) for detail in db.session.scalars(checks)),
        "decision": events(Action.PASS),
        "submission": events(Action.SUBMIT),
        "job": Counter(db.session.scalars(select(Job.kind))),
    }


def _count(model: type, *where: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def kill_job_workers(site: Site, people: People, times: int, seed: int) -> Outcome:
    """Batches whose worker is killed again and again: each ends, once, and no number is given twice or left out."""
    chance, ledger, outcome = random.Random(seed), Ledger(), Outcome()
    (site.instance / "demonstration-day").write_text(released.RESULTS_DAY.isoformat(), encoding="ascii")
    stop = threading.Event()
    browser = Browser(site.port, people.cookies["gl410122"], ledger)
    if not site.healthy():
        site.start()

    def begin(kind: str) -> Write:
        page = browser.open(f"/batches/{kind}", stop)
        assert page is not None
        write = ledger.begin("job", kind)
        browser.send(f"/batches/{kind}", {**form_of(page, f"/batches/{kind}"), "form": "zip"}, write, stop)
        return write

    def standing() -> tuple[int, int]:
        """How many jobs are open, and how far they all are."""
        with site.app.app_context():
            rows = db.session.execute(select(Job.state, Job.done)).all()
            db.session.remove()
        return sum(row.state.open for row in rows), sum(row.done for row in rows)

    kinds = ["issue"]
    begin("issue")
    for _ in range(times):
        if not standing()[0]:
            kinds.append("certificates")
            begin("certificates")
        before = standing()[1]
        site.worker.start()
        # At any moment: while it starts, while it makes papers, when a step is done.
        if chance.random() < 0.7:
            wait_until("the worker gets on", lambda before=before: standing()[1] > before or not standing()[0])
        time.sleep(chance.uniform(0, 0.3))
        site.worker.kill()
        outcome.faults["kill_job_worker"] += 1
    site.worker.start()
    wait_until("the last job is done", lambda: not standing()[0])
    site.worker.kill()
    outcome.acknowledged, outcome.resent = ledger.acknowledged, ledger.resent
    outcome.wrong += ledger.wrong
    with site.app.app_context():
        jobs = list(db.session.scalars(select(Job)))
        outcome.wrong += [f"job {job.id}: {job.state} {job.error}" for job in jobs if job.state is not JobState.DONE]
        files = Counter(db.session.scalars(select(JobFile.job_id)))
        outcome.lost += [f"the file of job {job.id}" for job in jobs if not files[job.id]]
        if len(jobs) != len(kinds):
            outcome.doubled.append(f"{len(jobs)} jobs of {len(kinds)} asked for")
        serials = sorted(db.session.scalars(select(Certificate.serial)))
        if len(serials) < people.passed:
            outcome.lost.append(f"{people.passed - len(serials)} certificates")
        if serials != list(range(serials[0], serials[0] + len(serials))) or len(serials) > people.passed:
            outcome.doubled.append(f"numbers of certificates: {serials}")
        outcome.wrong += audit_trail.verify().problems
        db.session.remove()
    return outcome
