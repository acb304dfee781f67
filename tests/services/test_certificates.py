"""Certificates: numbers without gaps or repeats, re-issue, revocation, handing out, checking."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import select

from gongkao.documents import certificate_papers
from gongkao.extensions import db
from gongkao.models import Account, AuditEntry, Certificate, CertificateState, Result
from gongkao.rules.errors import RuleError
from gongkao.services import certificates, messages
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from tests.documents.reading import read
from tests.services.conftest import Together
from tests.services.released import release
from tests.world import World

ADDRESS = "http://gongkao.example"
NAMES = ("孟听雨甲", "祝晓川乙", "岳青山丙", "陶然丁", "柏文清戊", "宁致远己")


@pytest.fixture
def results(world: World, at: Callable[[date], None]) -> list[Result]:
    return release(world, at, NAMES, failed=("季云舒庚",))


def issuing(*result_ids: int) -> Callable[[], object]:
    def use_case() -> object:
        actor = db.session.scalars(select(Account).where(Account.username == "gl410122")).one()
        return [one.serial for one in certificates.issue(actor, result_ids)]

    return use_case


def all_certificates() -> list[Certificate]:
    return list(db.session.scalars(select(Certificate).order_by(Certificate.serial)))


def test_whoever_passed_gets_one_number_in_order(world: World, results: list[Result]) -> None:
    waiting = certificates.without_certificate(world.manager)
    assert waiting == [one.id for one in results[:6]]
    made = certificates.issue(world.manager, waiting)
    assert [one.number for one in made] == [f"2541012200400{serial:03d}" for serial in range(1, 7)]
    assert [one.content["name"] for one in made] == list(NAMES)
    assert certificates.without_certificate(world.manager) == []
    # Again: the same certificates, no new number.
    assert [one.id for one in certificates.issue(world.manager, waiting)] == [one.id for one in made]
    assert len(all_certificates()) == 6 and len({one.verification_code for one in made}) == 6


def test_under_load_numbers_have_no_gaps_and_no_repeats(
    world: World, results: list[Result], together: Together
) -> None:
    ids = [one.id for one in results[:6]]
    db.session.rollback()
    # Different people, the same people, and people in another order, all at the same moment.
    pending = [issuing(*ids[:3]), issuing(*ids[3:]), issuing(*ids[:3]), issuing(ids[5], ids[0], ids[4])]
    for _ in range(4):
        outcomes = together(*pending)
        # Two use cases that wait for each other: one gives way and is done again, as a person or a job would.
        pending = [one for one, outcome in zip(pending, outcomes, strict=True) if isinstance(outcome, Exception)]
        assert all(isinstance(one, Conflict) for one in outcomes if isinstance(one, Exception)), outcomes
        if not pending:
            break
    assert not pending
    assert [one.serial for one in all_certificates()] == [1, 2, 3, 4, 5, 6]
    assert len({one.application_id for one in all_certificates()}) == 6


def test_a_number_taken_in_vain_is_given_back(
    world: World, results: list[Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    def tell(person_id: int, *_rest: object) -> None:
        told.append(person_id)
        if len(told) == 2:
            raise Refused("途中出错")

    with monkeypatch.context() as patched:
        patched.setattr(messages, "tell_person", tell)
        with pytest.raises(Refused, match="途中出错"):
            certificates.issue(world.manager, [one.id for one in results[:3]])
    assert all_certificates() == []
    assert [one.serial for one in certificates.issue(world.manager, [results[2].id])] == [1]


def test_certificates_are_for_the_own_agencys_passed_people_in_their_time(
    world: World, results: list[Result], at: Callable[[date], None]
) -> None:
    for actor, result in (
        (world.far_manager, results[0]),
        (world.manager, results[6]),
        (world.city_officer, results[0]),
    ):
        with pytest.raises(Refused, match="本机构已公布的考核合格人员"):
            certificates.issue(actor, [result.id])
    at(date(2026, 1, 1))
    with pytest.raises(RuleError, match="证书"):
        certificates.issue(world.manager, [results[0].id])
    assert all_certificates() == []


def test_reissue_voids_the_old_one_and_takes_the_present_name(world: World, results: list[Result]) -> None:
    (old,) = certificates.issue(world.manager, [results[0].id])
    old.application.person.name = "孟听雨"
    db.session.commit()
    before = certificates.paper(certificates.find(world.officer, old.id), ADDRESS)
    assert before.name == "孟听雨甲"
    with pytest.raises(FieldsRefused, match="请写明原因"):
        certificates.reissue(world.officer, old.id, old.version, " ")
    with pytest.raises(Conflict):
        certificates.reissue(world.officer, old.id, old.version + 1, "姓名更正")
    new = certificates.reissue(world.officer, old.id, old.version, "姓名更正")
    assert (old.state, new.state, new.serial, new.replaces_id) == (
        CertificateState.REISSUED,
        CertificateState.VALID,
        2,
        old.id,
    )
    assert new.content["name"] == "孟听雨" and certificates.history(new) == [old, new]
    with pytest.raises(Refused, match="已换发"):
        certificates.reissue(world.officer, old.id, old.version, "再换")
    with pytest.raises(NotFound):
        certificates.reissue(world.far_officer, new.id, new.version, "姓名更正")
    with pytest.raises(Refused, match="发证机构办理"):
        certificates.reissue(world.city_officer, new.id, new.version, "姓名更正")


def test_a_revoked_certificate_stays_revoked(world: World, results: list[Result]) -> None:
    (made,) = certificates.issue(world.manager, [results[0].id])
    certificates.hand_out(world.officer, [made.id], "管二")
    assert certificates.revoke(world.manager, made.application, "学历证书系伪造。") is True
    assert certificates.revoke(world.manager, made.application, "学历证书系伪造。") is False
    assert made.state is CertificateState.REVOKED
    assert certificates.issue(world.manager, [results[0].id]) == []
    facts = dict(certificates.verification_facts(certificates.by_code(made.verification_code)))
    assert facts["状态"] == "已撤销（2025年11月3日）" and facts["姓名"] == "孟***"
    paper = read(certificate_papers.revocation(certificates.revocation_paper(made))).text
    assert "学历证书系伪造" in paper and "交回中牟县工考管理机构" in paper
    actions = db.session.scalars(select(AuditEntry.action).where(AuditEntry.subject_type == "Certificate")).all()
    assert actions == ["issue_certificate", "hand_out_certificate", "revoke_certificate"]


def test_handing_out_is_on_record_once(world: World, results: list[Result]) -> None:
    made = certificates.issue(world.manager, [one.id for one in results[:3]])
    ids = [one.id for one in made]
    for name in ("", "长" * 41):
        with pytest.raises(FieldsRefused, match="领取人"):
            certificates.hand_out(world.officer, ids, name)
    assert certificates.hand_out(world.officer, ids[:2], " 管 二 ") == 2
    assert certificates.hand_out(world.officer, ids, "别人") == 1
    assert [one.handed_to for one in all_certificates()] == ["管 二", "管 二", "别人"]
    for actor in (world.officer, world.far_officer, world.city_officer):
        with pytest.raises(Refused, match="没有可以发放的证书"):
            certificates.hand_out(actor, ids, "又一人")


def test_the_certificate_says_what_was_released(world: World, results: list[Result]) -> None:
    (made,) = certificates.issue(world.manager, [results[0].id])
    paper = certificates.paper(certificates.find(world.unit_administrator, made.id), ADDRESS)
    data = certificate_papers.certificate(paper)
    assert data == certificate_papers.certificate(paper) and paper.photo is not None
    found = read(data)
    assert len(found.pages) == 1 and found.tagged and found.title == "机关事业单位工勤技能岗位等级证书"
    for text in (made.number, "孟听雨甲", "中牟县晴川学校", "四级（中级工）", "职业道德85.5", "2025年11月3日"):
        assert text in found.text
    for stranger in (world.station_administrator, world.far_officer, world.far_inspector):
        with pytest.raises(NotFound):
            certificates.find(stranger, made.id)
