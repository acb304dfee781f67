"""Random samples of decided applications (抽查): drawn by a recorded seed, looked at again one by one."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from gongkao.access.permissions import Permission
from gongkao.access.scope import may, narrow, region_prefix
from gongkao.clock import ZONE, now, today
from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, Person, RegionEntry, Sample, SampleMember
from gongkao.rules import fields, sampling
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.routing import RegionLevel
from gongkao.rules.sampling import Candidate, Strata
from gongkao.rules.workflow import Status
from gongkao.services import audit, cycles, oversight
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.listing import Cell, Column, Filter, Listing, contains, of_identity
from gongkao.services.transaction import transaction
from gongkao.services.unit_search import named

TITLE_LENGTH = 60
OUTCOMES = {"": "合格和不通过", "qualified": "资格审查合格", "refused": "资格审查不通过"}


@dataclass(frozen=True)
class Criteria:
    """Which decided applications are drawn from. Empty values do not narrow; the days are those of the decision."""

    outcome: str = ""
    region: str = ""
    grade: int | None = None
    decided_from: date | None = None
    decided_to: date | None = None
    strata: Strata = Strata.NONE

    def to_data(self) -> dict[str, object]:
        return {
            "outcome": self.outcome,
            "region": self.region,
            "grade": self.grade,
            "from": self.decided_from.isoformat() if self.decided_from else None,
            "to": self.decided_to.isoformat() if self.decided_to else None,
            "strata": self.strata.value,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Criteria":
        return cls(
            outcome=data["outcome"],
            region=data["region"],
            grade=data["grade"],
            decided_from=date.fromisoformat(data["from"]) if data["from"] else None,
            decided_to=date.fromisoformat(data["to"]) if data["to"] else None,
            strata=Strata(data["strata"]),
        )


def region_choices(actor: Account) -> list[tuple[str, str]]:
    """The regions below the actor's own that have decided something, by code: (code, name)."""
    query = narrow(select(Agency), Agency, actor).where(Agency.level != RegionLevel.PROVINCE)
    agencies = db.session.scalars(query.order_by(Agency.code)).all()
    level = actor.agency.level if actor.agency is not None else RegionLevel.COUNTY
    shown = [one for one in agencies if one.level is RegionLevel.CITY or one.taken_over]
    if level is RegionLevel.CITY:
        shown = [one for one in shown if one.id != actor.agency_id]
    return [(one.region_code, one.region.full_name) for one in shown]


def _population(cycle_id: int, agency: Agency, criteria: Criteria) -> list[Candidate]:
    """Everyone of the cycle whom the agency oversees and the criteria fit, whoever asks."""
    place = db.session.get_one(RegionEntry, criteria.region or agency.region_code)
    prefix = region_prefix(place.code, place.level)
    overseen = select(Agency.id).where(Agency.region_code.startswith(prefix, autoescape=True))
    if agency.level is not RegionLevel.PROVINCE:
        overseen = overseen.where(Agency.id != agency.id)
    query = select(Application.id, Application.agency_id, Application.grade).where(
        Application.cycle_id == cycle_id,
        Application.agency_id.in_(overseen),
        Application.status.in_([Status(criteria.outcome)] if criteria.outcome else oversight.DECIDED),
    )
    if criteria.grade is not None:
        query = query.where(Application.grade == criteria.grade)
    if criteria.decided_from is not None:
        query = query.where(Application.desk_since >= _start_of(criteria.decided_from))
    if criteria.decided_to is not None:
        query = query.where(Application.desk_since < _start_of(criteria.decided_to + timedelta(days=1)))
    strata = {
        Strata.NONE: lambda row: "",
        Strata.REGION: lambda row: row.agency_id,
        Strata.GRADE: lambda row: row.grade,
    }
    stratum = strata[criteria.strata]
    return [Candidate(row.id, str(stratum(row))) for row in db.session.execute(query)]


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min, ZONE)


def draw(actor: Account, typed: Mapping[str, str]) -> Sample:
    """Draw a sample: title, outcome, region, grade, decided_from, decided_to, strata, people or percent, seed.

    Without a seed one is made. Population, criteria and seed go on record.
    Raises FieldsRefused with a message per wrong field, Refused where the actor oversees nobody.
    """
    agency = actor.agency
    if agency is None or not may(actor, Permission.OVERSEE):
        raise Refused("抽查由市级以上工考管理机构办理。")
    wrong: dict[str, str] = {}

    def checked(field: str, check: Any, otherwise: Any = None) -> Any:
        try:
            return check()
        except InvalidInput as error:
            wrong[field] = error.message
            return otherwise

    title = checked("title", lambda: fields.short_text(typed.get("title", ""), "抽查名称", TITLE_LENGTH, 2), "")
    criteria = _criteria(actor, typed, checked)
    people = checked("people", lambda: _number(typed.get("people", ""), "抽取人数"))
    percent = checked("percent", lambda: _number(typed.get("percent", ""), "抽取比例"))
    seed = checked("seed", lambda: _number(typed.get("seed", ""), "随机种子", sampling.MAX_SEED))
    if wrong:
        raise FieldsRefused(wrong)
    if seed is None:
        seed = secrets.randbelow(sampling.MAX_SEED) + 1
    with transaction() as session:
        cycle = cycles.current_cycle()
        population = _population(cycle.id, agency, criteria)
        try:
            size = sampling.size_of(len(population), people=people, percent=percent)
        except InvalidInput as error:
            raise FieldsRefused({"percent" if percent is not None else "people": error.message}) from error
        sample = Sample(
            cycle_id=cycle.id,
            agency_id=agency.id,
            title=title,
            seed=seed,
            size=size,
            population=len(population),
            criteria={
                **criteria.to_data(),
                "asked": f"{percent}%" if percent is not None else f"{people}人",
                "digest": sampling.digest(population),
            },
            drawn_by_id=actor.id,
        )
        session.add(sample)
        session.flush()
        session.add_all(
            SampleMember(sample_id=sample.id, application_id=one) for one in sampling.draw(population, size, seed)
        )
        audit.record(
            actor, "draw_sample", sample, seed=seed, size=size, population=len(population), criteria=sample.criteria
        )
    return sample


def _criteria(actor: Account, typed: Mapping[str, str], checked: Any) -> Criteria:
    def chosen(field: str, label: str, known: Any) -> str:
        value = typed.get(field, "")
        if value and value not in known:
            raise InvalidInput(f"请从列表中选择{label}。")
        return value

    def day(field: str, label: str) -> date | None:
        value = typed.get(field, "").strip()
        year = cycles.current_cycle().year
        return fields.day(value, label, earliest=date(year, 1, 1), latest=today()) if value else None

    regions = {code for code, _ in region_choices(actor)}
    grade = checked("grade", lambda: chosen("grade", "等级", {str(int(one)) for one in Grade}), "")
    made = Criteria(
        outcome=checked("outcome", lambda: chosen("outcome", "审查结论", OUTCOMES), ""),
        region=checked("region", lambda: chosen("region", "地区", regions), ""),
        grade=int(grade) if grade else None,
        decided_from=checked("decided_from", lambda: day("decided_from", "办结开始日期")),
        decided_to=checked("decided_to", lambda: day("decided_to", "办结截止日期")),
        strata=Strata(checked("strata", lambda: chosen("strata", "分层方式", set(Strata)), "") or Strata.NONE),
    )
    if made.decided_from and made.decided_to and made.decided_from > made.decided_to:
        checked("decided_to", lambda: _refuse("办结截止日期不能早于开始日期。"))
    return made


def _refuse(message: str) -> None:
    raise InvalidInput(message)


def _number(text: str, label: str, largest: int = 10**6) -> int | None:
    plain = text.strip().removesuffix("%").removesuffix("人").strip()
    if not plain:
        return None
    if not (plain.isascii() and plain.isdigit()) or len(plain) > 10 or int(plain) > largest:
        raise InvalidInput(f"{label}应为0至{largest}的整数。")
    return int(plain)


def find(actor: Account, sample_id: int) -> Sample:
    """A sample in the person's scope. Raises NotFound."""
    sample = db.session.scalar(narrow(select(Sample), Sample, actor).where(Sample.id == sample_id))
    if sample is None:
        raise NotFound("sample")
    return sample


@dataclass(frozen=True)
class Redraw:
    """What drawing again found: whether the population is still the same, and so the people drawn."""

    population: int
    same_population: bool
    same_people: bool


def redraw(actor: Account, sample_id: int) -> Redraw:
    """Draw again with the recorded seed and criteria, and compare; nothing is changed. Raises NotFound."""
    sample = find(actor, sample_id)
    criteria = Criteria.from_data(sample.criteria)
    population = _population(sample.cycle_id, sample.agency, criteria)
    drawn = sampling.draw(population, min(sample.size, len(population)), sample.seed)
    kept = db.session.scalars(select(SampleMember.application_id).where(SampleMember.sample_id == sample.id))
    return Redraw(
        len(population), sampling.digest(population) == sample.criteria["digest"], sorted(drawn) == sorted(kept)
    )


def criteria_lines(sample: Sample) -> list[tuple[str, str]]:
    """What the sample was drawn from and how, in words."""
    criteria = Criteria.from_data(sample.criteria)
    region = db.session.get(RegionEntry, criteria.region) if criteria.region else None
    since, until = criteria.decided_from, criteria.decided_to
    period = f"{since.isoformat() if since else '不限'} 至 {until.isoformat() if until else '不限'}"
    return [
        ("审查结论", OUTCOMES[criteria.outcome]),
        ("地区", region.full_name if region is not None else f"{sample.agency.region.full_name}所属全部"),
        ("等级", Grade(criteria.grade).label if criteria.grade else "全部等级"),
        ("办结日期", period if since or until else "不限"),
        ("分层", criteria.strata.label),
        ("抽取要求", str(sample.criteria["asked"])),
        ("符合条件", f"{sample.population}人"),
        ("抽取人数", f"{sample.size}人"),
        ("随机种子", str(sample.seed)),
    ]


@dataclass(frozen=True)
class Progress:
    """How far a sample has been looked at."""

    size: int
    upheld: int
    overturned: int

    @property
    def done(self) -> int:
        return self.upheld + self.overturned


def progress(actor: Account, sample_ids: list[int] | None = None) -> dict[int, Progress]:
    """How far each sample in the person's scope, or each of the given ones, has been looked at."""
    upheld = func.count().filter(SampleMember.upheld.is_(True))
    overturned = func.count().filter(SampleMember.upheld.is_(False))
    query = narrow(select(SampleMember.sample_id, func.count(), upheld, overturned), SampleMember, actor)
    if sample_ids is not None:
        query = query.where(SampleMember.sample_id.in_(sample_ids))
    rows = db.session.execute(query.group_by(SampleMember.sample_id))
    return {sample_id: Progress(size, kept, changed) for sample_id, size, kept, changed in rows}


def member(actor: Account, member_id: int) -> SampleMember:
    """One of a sample in the person's scope. Raises NotFound."""
    found = db.session.scalar(narrow(select(SampleMember), SampleMember, actor).where(SampleMember.id == member_id))
    if found is None:
        raise NotFound("member")
    return found


def may_judge(actor: Account, one: SampleMember) -> bool:
    """Whether the actor may say what the second look at this one found: the agency that drew the sample."""
    return may(actor, Permission.OVERSEE) and one.sample.agency_id == actor.agency_id and one.upheld is None


def judge(actor: Account, member_id: int, uphold: bool, reason: str) -> SampleMember:
    """Uphold the decision, or overturn it with a reason.

    Raises NotFound outside the scope, FieldsRefused for "reason", Conflict where somebody else has just judged it,
    Refused where the actor may not or the decision can no longer be overturned.
    """
    text = "" if uphold and not reason.strip() else oversight.checked_reason(reason)
    with transaction() as session:
        query = narrow(select(SampleMember), SampleMember, actor).where(SampleMember.id == member_id)
        one = session.scalar(query.with_for_update(of=SampleMember).execution_options(populate_existing=True))
        if one is None:
            raise NotFound("member")
        if one.sample.agency_id != actor.agency_id or not may(actor, Permission.OVERSEE):
            raise Refused(f"该抽查由{one.sample.agency.name}复核，您只能查看。")
        if one.upheld is not None:
            raise Conflict(f"该申报已复核，结论为“{outcome_word(one)}”，您的操作没有生效。")
        one.upheld = uphold
        one.reason = text
        one.reviewed_by_id = actor.id
        one.reviewed_at = now()
        if not uphold:
            oversight.apply(actor, oversight.locked(actor, one.application_id), text)
        audit.record(actor, "judge_sampled_application", one, sample=one.sample_id, upheld=uphold, reason=text)
    return one


def outcome_word(one: SampleMember) -> str:
    if one.upheld is None:
        return "待复核"
    return "维持原结论" if one.upheld else "改变结论"


def next_open(actor: Account, sample_id: int, after: int = 0) -> int | None:
    """The id of the next one of the sample to look at, beginning after the given one; None where all are done."""
    query = narrow(select(SampleMember.id), SampleMember, actor)
    query = query.where(SampleMember.sample_id == sample_id, SampleMember.upheld.is_(None))
    return db.session.scalar(query.order_by(SampleMember.id <= after, SampleMember.id).limit(1))


def listing(actor: Account) -> Listing:
    """The samples drawn in the person's scope, the newest first."""
    counts = progress(actor)

    def looked_at(row: Sample) -> Cell:
        found = counts.get(row.id, Progress(row.size, 0, 0))
        if found.done == found.size:
            return Cell("已完成", chip="done")
        return Cell(f"{found.done} / {found.size}", chip="needs")

    return Listing(
        title="抽查",
        query=narrow(select(Sample), Sample, actor).options(joinedload(Sample.agency)),
        tie=Sample.id,
        descending=True,
        search=[contains(Sample.title)],
        search_hint="抽查名称",
        columns=[
            Column("title", "抽查名称", lambda row: row.title, Sample.title),
            Column("agency", "抽查机构", lambda row: row.agency.name),
            Column("drawn", "抽取日期", lambda row: row.drawn_at.date().isoformat(), Sample.drawn_at, kind="date"),
            Column("population", "符合条件", lambda row: f"{row.population:,}", Sample.population, kind="number"),
            Column("size", "抽取", lambda row: f"{row.size:,}", Sample.size, kind="number"),
            Column("seed", "随机种子", lambda row: str(row.seed), kind="mono"),
            Column(
                "overturned",
                "改变结论",
                lambda row: str(counts[row.id].overturned) if row.id in counts else "0",
                kind="number",
            ),
            Column("progress", "复核进度", looked_at, kind="status"),
        ],
        empty_text="还没有抽查。抽取后，被抽中的申报会列在这里逐人复核。",
    )


_TONES = {None: "needs", True: "done", False: "refused"}


def member_listing(actor: Account, sample_id: int) -> Listing:
    """The applications of one sample in the order in which they were drawn. Raises NotFound."""
    sample = find(actor, sample_id)
    of = SampleMember.application.has
    states = {
        "open": SampleMember.upheld.is_(None),
        "upheld": SampleMember.upheld.is_(True),
        "overturned": SampleMember.upheld.is_(False),
    }
    query = narrow(select(SampleMember), SampleMember, actor).where(SampleMember.sample_id == sample.id)
    return Listing(
        title=sample.title,
        query=query.options(
            joinedload(SampleMember.application).options(
                joinedload(Application.person),
                joinedload(Application.unit),
                joinedload(Application.trade),
                joinedload(Application.agency),
            )
        ),
        tie=SampleMember.id,
        search=[
            lambda term: of(Application.person.has(contains(Person.name)(term))),
            lambda term: of(Application.person.has(of_identity(Person)(term))),
            lambda term: of(Application.unit_id.in_(named(term))),
        ],
        search_hint="姓名、身份证号后四位或完整号码、单位",
        filters=[
            Filter(
                "state",
                "复核结论",
                [("", "全部"), ("open", "待复核"), ("upheld", "维持原结论"), ("overturned", "改变结论")],
                lambda value: states[value],
            )
        ],
        columns=[
            Column("number", "申报号", lambda row: row.application.number or "", kind="mono"),
            Column("name", "姓名", lambda row: row.application.person.name),
            Column("unit", "所在单位", lambda row: row.application.unit.name),
            Column("trade", "申报工种", lambda row: row.application.trade.name),
            Column("grade", "等级", lambda row: Grade(row.application.grade).level),
            Column("agency", "审查机构", lambda row: row.application.agency.name),
            Column(
                "status",
                "申报现状",
                lambda row: Cell(row.application.status.label, chip=row.application.status.tone),
                kind="status",
            ),
            Column("reason", "复核意见", lambda row: row.reason),
            Column("outcome", "复核结论", lambda row: Cell(outcome_word(row), chip=_TONES[row.upheld]), kind="status"),
        ],
        empty_text="没有符合条件的申报。",
    )
