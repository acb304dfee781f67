"""An application judged by its cycle's conditions: its facts, what stands in the way, what is to be acknowledged."""

from datetime import date
from typing import Any

import pytest

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Application, BanEntry
from gongkao.rules.conditions import to_data
from gongkao.rules.eligibility import Result, Verdict
from gongkao.rules.retirement import PostKind, RetirementStatus
from gongkao.services import conditions, cycles, eligibility
from gongkao.services.transaction import transaction
from tests import factories
from tests.statements import sent
from tests.world import World


@pytest.fixture
def made(world: World) -> Application:
    """A whole application for grade four by a man with grade five since December 2015, at work since July 2004."""
    return factories.application(world.person("孟听雨"), world.school)


def _set(application: Application, **values: Any) -> Application:
    with transaction():
        for name, value in values.items():
            setattr(application, name, value)
    return application


def _harder() -> dict[str, Any]:
    """The current conditions with thirty years of work, and thirty at grade five, for grade four."""
    data = to_data(conditions.rules_of(conditions.current(cycles.current_cycle())))
    ways = next(entry for entry in data["grades"] if entry["grade"] == 4)["ways"]
    ways[0]["all_of"][0]["at_least"] = ways[1]["all_of"][0]["at_least"] = 30
    return data


def test_what_the_form_says_becomes_facts(made: Application) -> None:
    _set(made, post_kind="cadre", awards_since=2, achievements_since=0)
    with transaction():
        made.assessments[0].outcome = "尚未备案"
    facts = eligibility.facts_of(made)
    assert (facts.sex, facts.birth, facts.post_kind) == ("男", date(1985, 6, 12), PostKind.CADRE)
    assert (facts.schooling, facts.awards, facts.achievements) == ("高中", 2, 0)
    assert facts.certificate is not None and facts.certificate.grade == 5 and facts.certificate.filed is None
    assert [facts.assessments[year].filed for year in (2022, 2023, 2024)] == [True, True, False]
    _set(made, has_certificate=False)
    assert eligibility.facts_of(made).certificate is None


def test_an_ordinary_application_meets_its_conditions(made: Application) -> None:
    evaluation = eligibility.evaluate(made)
    assert evaluation is not None and evaluation.verdict is Verdict.ELIGIBLE
    assert eligibility.obstacles(made) == eligibility.notices(made) == []
    assert eligibility.evaluate(_set(made, grade=None)) is None
    assert eligibility.obstacles(made) == []


def test_an_assessment_not_filed_yet_only_needs_its_document(made: Application) -> None:
    with transaction():
        made.assessments[0].outcome = "尚未备案"
    evaluation = eligibility.evaluate(made)
    assert evaluation is not None and evaluation.verdict is Verdict.UNDECIDED
    needed = [leaf for outcome in evaluation.open for leaf in outcome.leaves() if leaf.result is Result.DOCUMENT]
    assert [leaf.deferrable for leaf in needed] == [True] and "2024年尚未备案" in needed[0].text
    assert eligibility.obstacles(made) == []


def test_what_fails_is_told_with_the_reason(made: Application) -> None:
    with transaction():
        made.assessments[0].outcome = "不合格"
    assert eligibility.obstacles(made) == [
        "您的年度考核2022年合格、2023年合格、2024年不合格，要求近3年均为合格及以上：不符合。"
    ]
    with transaction():
        made.assessments[0].outcome = "合格"
    _set(made, certificate_issued_on=date(2022, 6, 1), work_started_on=date(2019, 7, 1))
    (told,) = eligibility.obstacles(made)
    assert told.startswith("申报四级（中级工）的途径均不符合：")
    assert "要求取得五级（初级工）证书满5年且工种相同：不符合" in told and "满5年，要求工作满10年：不符合" in told


def test_skipping_a_grade_needs_a_way_in(made: Application) -> None:
    # From five to three: twenty years of work are a way in; to two there is none.
    _set(made, grade=3, awards_since=1)
    assert eligibility.obstacles(made) == []
    _set(made, grade=2)
    (told,) = eligibility.obstacles(made)
    assert told.startswith("您现有五级（初级工）证书，申报二级（技师）属于越级申报，没有符合的途径：")
    _set(made, has_certificate=False)
    (told,) = eligibility.obstacles(made)
    assert told.startswith("您没有等级证书，申报二级（技师）属于越级申报")


def test_a_ban_stands_in_the_way(made: Application, world: World) -> None:
    with transaction() as session:
        session.add(
            BanEntry(
                identity_number=made.person.identity_number,
                name=made.person.name,
                begins_on=date(2024, 9, 1),
                ends_on=date(2026, 8, 31),
                reason="填报虚假信息材料",
                agency_id=world.agency("410200").id,
                decided_by_id=world.far_city_officer.id,
                decided_at=now(),
            )
        )
    (told,) = eligibility.obstacles(made)
    assert "2024年9月1日至2026年8月31日不得申报（通知四（四））" in told


# The notice is of 2025-03-09. A man of 1964-12 came before the delay; one of 1965-01 retires in 2025-02.
@pytest.mark.parametrize(
    ("born", "serial", "post_kind", "status"),
    [
        (date(1965, 1, 20), 31, "worker", RetirementStatus.RETIRED),
        (date(1965, 6, 20), 31, None, RetirementStatus.THIS_YEAR),
        (date(1966, 6, 20), 31, "worker", RetirementStatus.LATER),
        (date(1975, 3, 20), 32, "worker", RetirementStatus.THIS_YEAR),
        (date(1975, 3, 20), 32, "cadre", RetirementStatus.LATER),
        (date(1975, 3, 20), 32, None, None),
    ],
)
def test_retirement_by_sex_and_post(
    world: World, born: date, serial: int, post_kind: str | None, status: RetirementStatus | None
) -> None:
    made = factories.application(factories.person("贺知秋", serial, born), world.school)
    _set(made, post_kind=post_kind)
    check = eligibility.retirement_of(made)
    assert (check.status if check is not None else None) is status
    told = eligibility.obstacles(made)
    assert (len(told) == 1 and "不再列入考核范围" in told[0]) if status is RetirementStatus.RETIRED else told == []
    due = eligibility.notices(made)
    if status is not RetirementStatus.THIS_YEAR:
        assert due == []
        return
    assert [(one.key, one.acknowledged, one.agreed) for one in due] == [("retirement", False, False)]
    assert "申报须经单位明确同意" in due[0].text
    _set(made, retirement_acknowledged_at=now(), retirement_agreed_at=now())
    assert [(one.acknowledged, one.agreed) for one in eligibility.notices(made)] == [(True, True)]


def test_what_was_judged_keeps_its_version_when_the_conditions_change(made: Application, world: World) -> None:
    with transaction():
        eligibility.freeze(made)
    kept = dict(made.evaluation or {})
    assert (made.condition_set.version if made.condition_set else None, kept["verdict"]) == (1, "eligible")
    conditions.change(world.province_manager, _harder(), "按新文件调整年限")

    other = factories.application(world.person("祝晓川"), world.school)
    judged, anew = eligibility.evaluate(made), eligibility.evaluate(other)
    assert judged is not None and judged.verdict is Verdict.ELIGIBLE and eligibility.obstacles(made) == []
    assert anew is not None and anew.verdict is Verdict.NOT_ELIGIBLE and len(eligibility.obstacles(other)) == 1
    # Corrected and submitted again it is judged by the same version; what it said before stays in its own words.
    with transaction():
        eligibility.freeze(made)
    db.session.expire_all()
    assert made.evaluation == kept and made.condition_set is not None and made.condition_set.version == 1
    # Withdrawn it is a draft like any other.
    with transaction():
        eligibility.thaw(made)
    assert made.evaluation is None and len(eligibility.obstacles(made)) == 1
    with transaction():
        eligibility.freeze(made)
    assert made.condition_set is not None and made.condition_set.version == 2
    assert (made.evaluation or {})["verdict"] == "not_eligible"


def test_judging_takes_few_queries(made: Application) -> None:
    db.session.expire_all()
    application = db.session.get_one(Application, made.id)
    with sent() as statements:
        found = eligibility.judge(application)
    assert found.evaluation is not None and found.obstacles == found.notices == []
    # Cycle, person, trade, assessments, the conditions, bans.
    assert len(statements) <= 6, statements
