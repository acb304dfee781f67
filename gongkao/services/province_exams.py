"""How a cycle of an invented province ends: training, seats, scores, results, certificates, the archive."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time
from random import Random
from typing import Any

from gongkao import clock
from gongkao.models import (
    ArchiveRecord,
    Certificate,
    CertificateCounter,
    CertificateState,
    ExamRoom,
    ExamSite,
    ExamSitting,
    ProposalState,
    Recheck,
    RecheckState,
    Release,
    ReleaseProposal,
    Result,
    Score,
    Seat,
    SeatingRun,
    SittingRoom,
    TrainingClass,
    TrainingMember,
)
from gongkao.rules.grades import Grade
from gongkao.rules.seating import ExamKind
from gongkao.services.province_offices import Office
from gongkao.services.province_story import Passed, Story, Year

MODELS = (
    *(TrainingClass, TrainingMember, ExamSite, ExamRoom, ExamSitting, SittingRoom, SeatingRun, Seat, Score),
    *(ReleaseProposal, Release, Result, Recheck, Certificate, CertificateCounter, ArchiveRecord),
)
_CODES = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_CLASS, _ROOMS, _ROWS, _ACROSS = 40, 20, 6, 5
_CHUNK = 4_000


def finish(story: Story, year: Year, passed: Sequence[Passed]) -> None:
    """Everything after the review of a cycle that is over, for those who were found qualified."""
    if year.last:
        _training(story, year, passed)
        _seats(story, year, passed)
    _results(story, year, passed)


def _on(year: Year, month: int, day: int, hour: int = 9) -> datetime:
    return datetime.combine(date(year.year, month, day), time(hour), clock.ZONE)


def _examined_by(story: Story, one: Passed) -> Office:
    return story.offices.agencies[one.office.examined_by]


def _training(story: Story, year: Year, passed: Sequence[Passed]) -> None:
    groups: dict[tuple[int, int, int], list[Passed]] = defaultdict(list)
    names: dict[int, str] = {}
    for one in passed:
        groups[one.office.examined_by, one.trade[0], one.grade].append(one)
        names[one.trade[0]] = one.trade[1]
    classes: list[tuple[Any, ...]] = []
    members: list[tuple[Any, ...]] = []
    for (agency, trade, grade), people in groups.items():
        office = story.offices.agencies[agency]
        for serial, start in enumerate(range(0, len(people), _CLASS), start=1):
            number = story.take(TrainingClass)
            name = f"{names[trade]}{Grade(grade).level}第{serial}班"
            opens = date(year.year, 5, 6 + number % 20)
            classes.append(
                (
                    *(number, year.id, agency, name, trade, grade, opens, date(year.year, 6, 6 + number % 20)),
                    *("云溪职业培训学校", 40, _CLASS, office.officers[0], _on(year, 4, 20)),
                )
            )
            members += [
                (number, one.id, 40, True, office.officers[0], _on(year, 4, 28), _on(year, 6, 30))
                for one in people[start : start + _CLASS]
            ]
    story.loader.add(
        TrainingClass,
        "id cycle_id agency_id name trade_id grade starts_on ends_on place hours capacity created_by_id created_at",
        classes,
    )
    story.loader.add(
        TrainingMember, "class_id application_id hours completed enrolled_by_id enrolled_at recorded_at", members
    )


def _seats(story: Story, year: Year, passed: Sequence[Passed]) -> None:
    """One site an office, as many sittings as its rooms need; everybody in the order of trade and grade."""
    by_office: dict[int, list[Passed]] = defaultdict(list)
    for one in passed:
        by_office[one.office.examined_by].append(one)
    per_room = _ROWS * _ACROSS
    for agency in sorted(by_office):
        people = sorted(by_office[agency], key=lambda one: (one.grade, one.trade[0], one.id))
        office = story.offices.agencies[agency]
        site, run = story.take(ExamSite), story.take(SeatingRun)
        by, checked = office.officers[0], _on(year, 6, 1)
        story.loader.add(
            ExamSite,
            "id cycle_id agency_id name address contact_name contact_phone power_ready recording_ready rooms_standard "
            "plan_file_id recordings_kept_at recordings_holder checked_by_id checked_at",
            [
                (
                    *(site, year.id, agency, "云溪职业培训学校", "云溪路18号", "费明远", "0371-62181300"),
                    *(True, True, True, story.files.paper, "考点保密室3号柜", "费明远", by, checked),
                )
            ],
        )
        rooms = [story.take(ExamRoom) for _ in range(min(_ROOMS, -(-len(people) // per_room)))]
        story.loader.add(
            ExamRoom,
            "id site_id number location rows columns computers accessible",
            [
                (room, site, place, f"实训楼{place}层", _ROWS, _ACROSS, per_room, place == 1)
                for place, room in enumerate(rooms, start=1)
            ],
        )
        sittings = [story.take(ExamSitting) for _ in range(-(-len(people) // (per_room * len(rooms))))]
        times = [(date(year.year, 6 + place // 40, 1 + place // 2 % 20), 9 + 5 * (place % 2)) for place in range(200)]
        story.loader.add(
            ExamSitting,
            "id cycle_id agency_id number kind starts_at ends_at grades",
            [
                (
                    *(sitting, year.id, agency, place + 1, ExamKind.COMPUTER.value),
                    *(
                        _on(year, times[place][0].month, times[place][0].day, times[place][1] + hours)
                        for hours in (0, 2)
                    ),
                    "[5, 4, 3, 2, 1]",
                )
                for place, sitting in enumerate(sittings)
            ],
        )
        uses = [(sitting, room) for sitting in sittings for room in rooms]
        story.loader.add(SittingRoom, "sitting_id room_id", uses)
        story.loader.add(
            SeatingRun,
            "id cycle_id agency_id seed people made_by_id made_at issued_by_id issued_at",
            [(run, year.id, agency, 7, len(people), by, _on(year, 6, 2), by, _on(year, 6, 3))],
        )
        head = f"{year.year}{office.region_code[:4]}"
        story.loader.add(
            Seat,
            "id run_id application_id sitting_id room_id number ticket_number",
            [
                (
                    story.take(Seat),
                    run,
                    one.id,
                    *uses[place // per_room],
                    place % per_room + 1,
                    f"{head}{place + 1:06d}",
                )
                for place, one in enumerate(people)
            ],
        )
        story.note(_on(year, 6, 2), by, "seat_people", "SeatingRun", run, seed=7, people=len(people))


def _results(story: Story, year: Year, passed: Sequence[Passed]) -> None:
    chance = story.chance
    releases: dict[tuple[int, int], int] = {}
    serials: Counter[int] = Counter()
    last: Counter[int] = Counter()
    entered, asked = _on(year, 9, 15), _on(year, 10, 24)
    for place, one in enumerate(passed):
        office = one.office
        release = releases.get((office.id, one.grade))
        if release is None:
            release = _release(story, year, office, one.grade)
            releases[office.id, one.grade] = release
        subjects = year.subjects[one.grade]
        absent = chance.random() < 0.02
        marks = [None if absent else _mark(chance) for _ in subjects]
        fine = not absent and all(mark is not None and mark >= 60 for mark in marks)
        rows = story.rows
        rows[Score] += [
            (one.id, key, mark, absent, office.officers[place % 2], entered)
            for (key, _), mark in zip(subjects, marks, strict=True)
        ]
        frozen = [
            f'{{"name": "{name}", "full_mark": "100", "pass_mark": "60", "mark": "{"缺考" if mark is None else mark}", '
            f'"passed": {"true" if mark is not None and mark >= 60 else "false"}}}'
            for (_, name), mark in zip(subjects, marks, strict=True)
        ]
        serials[release] += 1
        result = story.take(Result)
        number = f"{year.year}{office.code}{one.grade}{serials[release]:05d}"
        rows[Result].append(
            (
                result,
                one.id,
                release,
                one.applicant.unit.agency_id,
                fine,
                f"[{', '.join(frozen)}]",
                number,
                _code(chance),
            )
        )
        if year.last and place % 150 == 0:
            answered = (
                ("已核对原始记录，成绩无误。", office.officers[0], asked.replace(day=26))
                if place % 300
                else ("", None, None)
            )
            state = RecheckState.UNCHANGED if place % 300 else RecheckState.ASKED
            rows[Recheck].append((result, year.id, office.id, "对岗位技能的计分有疑问", state.value, asked, *answered))
        if fine:
            _certify(story, year, one, result, last, place)
        if year.last and place % 4:
            rows[ArchiveRecord].append(
                (
                    *(one.id, 1, story.files.record, story.files.record_sha256, 1),
                    *('[{"title": "考核档案", "page": 1, "pages": 1}]', _on(year, 12, 8), office.officers[0]),
                )
            )
        if place % _CHUNK == 0:
            story.flush()
    story.rows[CertificateCounter] += [(year.id, agency, count) for agency, count in last.items()]
    story.flush()


def _release(story: Story, year: Year, office: Office, grade: int) -> int:
    number = story.take(Release)
    document = f"工考〔{year.year}〕{number}号"
    first, second = office.managers
    proposed, released = _on(year, 10, 20), _on(year, 10, 22)
    state = ProposalState.CONFIRMED.value
    story.rows[ReleaseProposal].append((year.id, office.id, grade, document, state, first, proposed, second, released))
    story.rows[Release].append((number, year.id, office.id, grade, document, first, second, released))
    story.note(released, second, "release_results", "Release", number, grade=grade, document=document)
    return number


def _certify(story: Story, year: Year, one: Passed, result: int, last: Counter[int], place: int) -> None:
    office, person = one.office, one.applicant
    last[office.id] += 1
    serial = last[office.id]
    number = f"{year.year % 100:02d}{office.code}00{one.grade}{serial:05d}"
    content = (
        f'{{"name": "{person.name}", "unit": "{person.unit.name}", "trade": "{one.trade[1]}", '
        f'"grade": "{Grade(one.grade).label}"}}'
    )
    issued = date(year.year, 11, 20)
    collector = story.offices.signatures[person.unit.administrator][1]
    handed = (_on(year, 12, 2), office.officers[0], collector) if place % 10 else (None, None, "")
    story.rows[Certificate].append(
        (
            *(story.take(Certificate), year.id, office.id, person.unit.agency_id, one.id, result, serial, number),
            _code(story.chance),
            *(content, issued, office.managers[0], CertificateState.VALID.value, *handed),
        )
    )
    person.certificate = (one.grade, number, issued)
    if year.last:
        story.write_to(
            _on(year, 11, 20, 10), "result", "等级证书已办理", f"application {one.id}", account=person.account
        )


def _mark(chance: Random) -> int:
    return min(99, max(31, int(chance.gauss(79, 9))))


def _code(chance: Random) -> str:
    return "".join(chance.choices(_CODES, k=12))
