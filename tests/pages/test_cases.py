"""The pages of false materials: from the page of an application to the notices, on either side."""

import io
from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, CaseStatus, FalseMaterialsCase, Message
from gongkao.rules.workflow import Status
from gongkao.services import false_materials
from tests import factories
from tests.pages.reading import error_beside, main_of
from tests.world import World

SignIn = Callable[[Account], FlaskClient]
DESCRIPTION = "所交四级证书的编号与发证机关存根不符，姓名处有涂改痕迹。"
STATEMENT = "证书由原单位统一办理，本人不知道编号有误，愿意配合核实。"
DECISION = "经发证机关核实，该编号证书的持有人不是申报人本人。"
APPEAL = "发证机关补充证明证书系换发，原认定依据不足。"


@pytest.fixture
def case(world: World) -> FalseMaterialsCase:
    made = factories.application(world.person("孟听雨"), world.school, status=Status.AGENCY_REVIEW)
    return false_materials.raise_case(world.officer, made.id, DESCRIPTION)


def address(case: FalseMaterialsCase, rest: str = "") -> str:
    return f"/cases/{case.id}{rest}"


def test_raised_from_the_page_of_an_application(world: World, sign_in: SignIn) -> None:
    made = factories.application(world.person("孟听雨"), world.school, status=Status.UNIT_REVIEW)
    browser = sign_in(world.unit_administrator)
    way = f"/review/{made.id}/false-materials"
    assert way in browser.get(f"/review/{made.id}").text
    page = main_of(browser.get(way))
    assert "中牟县工考管理机构" in page and world.person("孟听雨").identity_number not in page
    short = browser.post(way, data={"description": "可疑"})
    assert short.status_code == 422 and error_beside(short.text, "description", "至少10个字") and "可疑" in short.text
    answer = browser.post(way, data={"description": DESCRIPTION})
    made_case = db.session.scalars(select(FalseMaterialsCase)).one()
    assert answer.location == address(made_case)
    assert DESCRIPTION in main_of(browser.get(answer.location))
    again = browser.post(way, data={"description": DESCRIPTION})
    assert again.status_code == 422 and "已有虚假材料情况待认定" in again.text
    assert made_case.number in browser.get(f"/review/{made.id}").text
    assert sign_in(world.applicant).get(way).status_code == 403
    assert sign_in(world.far_officer).get(way).status_code == 404


def test_the_applicant_finds_it_and_answers_with_a_file(
    world: World, case: FalseMaterialsCase, sign_in: SignIn
) -> None:
    browser = sign_in(world.applicant)
    own = f"/application/cases/{case.id}"
    assert own in browser.get("/application").text
    message = db.session.scalars(select(Message).where(Message.about == f"own_case {case.id}")).first()
    assert message is not None and browser.get(f"/inbox/{message.id}").location == own
    page = main_of(browser.get(own))
    assert DESCRIPTION in page and "管二" not in page
    bad = browser.post(
        own, data={"version": case.version, "statement": STATEMENT, "file": (io.BytesIO(b"MZ"), "说明.exe")}
    )
    assert bad.status_code == 422 and error_beside(bad.text, "file", "说明.exe") and STATEMENT in bad.text

    def sent() -> dict[str, object]:
        return {"version": case.version, "statement": STATEMENT, "file": (io.BytesIO(factories.pdf()), "证明.pdf")}

    assert browser.post(own, data=sent()).location == own
    assert browser.get(own + "/file").mimetype == "application/pdf"
    assert sign_in(world.manager).get(address(case, "/file")).mimetype == "application/pdf"
    assert STATEMENT in main_of(sign_in(world.manager).get(address(case)))
    stranger = sign_in(world.other_applicant)
    for place in (own, own + "/file"):
        assert stranger.get(place).status_code == 404
    assert stranger.post(own, data=sent()).status_code == 404


def test_decided_and_lifted_with_notices(world: World, case: FalseMaterialsCase, sign_in: SignIn) -> None:
    officer, manager = sign_in(world.officer), sign_in(world.manager)
    assert address(case, "/decide") not in main_of(officer.get(address(case)))
    early = manager.post(
        address(case, "/decide"), data={"version": case.version, "outcome": "confirm", "decision": DECISION}
    )
    assert early.status_code == 422 and "还没有说明情况" in early.text and DECISION in early.text
    answer = officer.post(address(case, "/waive"), data={"version": case.version, "waiver": "两次电话要求后仍不说明。"})
    assert answer.location == address(case)
    assert officer.post(address(case, "/decide"), data={}).status_code == 403
    without = manager.post(address(case, "/decide"), data={"version": case.version, "decision": DECISION})
    assert without.status_code == 422 and "请选择“认定虚假”或“不予认定”" in without.text
    stale = manager.post(
        address(case, "/decide"), data={"version": case.version - 1, "outcome": "confirm", "decision": DECISION}
    )
    assert stale.status_code == 422 and "刚刚被更新" in stale.text
    answer = manager.post(
        address(case, "/decide"), data={"version": case.version, "outcome": "confirm", "decision": DECISION}
    )
    page = main_of(manager.get(answer.location))
    assert "2025年3月20日至2027年3月19日" in page and address(case, "/decide") not in page
    applicant = sign_in(world.applicant)
    for notice in ("cancellation", "ban"):
        for browser, place in ((manager, "/cases"), (applicant, "/application/cases")):
            file = browser.get(f"{place}/{case.id}/notices/{notice}.pdf")
            assert file.mimetype == "application/pdf" and file.data.startswith(b"%PDF")
    assert manager.get(address(case, "/notices/lifting.pdf")).status_code == 404
    assert manager.get(address(case, "/notices/else.pdf")).status_code == 404
    listed = main_of(manager.get("/oversight/bans?q=孟听雨"))
    assert "2027-03-19" in listed and world.person("孟听雨").identity_number not in listed
    assert manager.get("/oversight/bans/export").mimetype.endswith("sheet")

    assert manager.post(address(case, "/lift"), data={}).status_code == 403
    province = sign_in(world.province_manager)
    short = province.post(address(case, "/lift"), data={"version": case.version, "appeal": "不实"})
    assert short.status_code == 422 and error_beside(short.text, "appeal", "至少10个字")
    answer = province.post(address(case, "/lift"), data={"version": case.version, "appeal": APPEAL})
    assert answer.location == address(case) and case.status is CaseStatus.LIFTED
    assert province.get(address(case, "/notices/lifting.pdf")).data.startswith(b"%PDF")
    assert world.application_of("孟听雨").status is Status.AGENCY_REVIEW


def test_somebody_banned_reads_why_and_until_when(
    world: World, case: FalseMaterialsCase, sign_in: SignIn, at: Callable[[date], None]
) -> None:
    false_materials.waive_statement(world.officer, case.id, case.version, "两次电话要求后仍不说明。")
    false_materials.decide(world.manager, case.id, case.version, "confirm", DECISION)
    ban = case.ban
    assert ban is not None
    ban.identity_number = world.person("祝晓川").identity_number
    db.session.commit()
    browser = sign_in(world.other_applicant)
    assert "2027年3月19日不得申报" in browser.get("/application").text
    browser.post("/application/start")
    assert "2027年3月19日不得申报" in browser.get("/application").text


def test_the_list_is_each_ones_own(world: World, case: FalseMaterialsCase, sign_in: SignIn) -> None:
    for account in (world.unit_administrator, world.officer, world.inspector, world.city_officer):
        page = main_of(sign_in(account).get("/cases"))
        assert case.number in page and world.person("孟听雨").identity_number not in page
        assert sign_in(account).get("/cases/export?status=raised").mimetype.endswith("sheet")
    for account in (world.far_officer, world.far_unit_administrator, world.far_inspector):
        assert case.number not in main_of(sign_in(account).get("/cases"))
        assert sign_in(account).get(address(case)).status_code == 404
    assert case.number not in main_of(sign_in(world.officer).get("/cases?status=confirmed"))
    assert sign_in(world.applicant).get("/cases").status_code == 403
