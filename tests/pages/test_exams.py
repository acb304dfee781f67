"""The pages of training and tests, as an office, a unit and a person go through them."""

import io
from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient

from gongkao.models import Account
from gongkao.services import seating, sites, sittings, training
from tests import exams, factories
from tests.pages.reading import error_beside, main_of, workbook
from tests.world import World

SignIn = Callable[[Account], FlaskClient]
At = Callable[[date], None]


@pytest.fixture
def office(world: World, sign_in: SignIn, at: At) -> FlaskClient:
    """A city's officer on a day of planning, with six qualified people."""
    exams.qualified(world)
    at(exams.PLANNING_DAY)
    return sign_in(world.city_officer)


def test_from_the_site_to_the_issued_tickets(world: World, office: FlaskClient, sign_in: SignIn) -> None:
    refused = office.post("/sites/new", data={**exams.SITE, "contact_phone": "12"})
    assert refused.status_code == 422 and "晴川职业学院" in refused.text
    assert 'id="contact_phone-error"' in refused.text
    assert office.post("/sites/new", data=exams.SITE).status_code == 302
    site = sites.listing(world.city_officer)
    assert "未检查" in office.get("/sites").text and site.title == "考点"
    number = seating.db.session.scalars(site.query).one().id
    assert office.post(f"/sites/{number}/rooms/new", data={**exams.ROOM, "accessible": "y"}).status_code == 302
    room = sites.rooms_of(world.agency("410100"))[0]
    wrong = office.post(
        "/sittings/new", data={**exams.SITTING, "grades": ["4"], "rooms": [room.id], "day": "2025-11-01"}
    )
    assert wrong.status_code == 422
    assert error_beside(wrong.text, "day", "四级考试时间为2025年6月1日至10月31日（通知三（五）），考试日期应在其中。")
    assert office.post("/sittings/new", data={**exams.SITTING, "grades": ["4"], "rooms": [room.id]}).status_code == 302

    preview = office.post("/seating/preview", data={"seed": "7"})
    assert "全部6人都能安排" in preview.text and seating.run_of(world.agency("410100")) is None
    assert office.post("/seating/commit", data={"seed": "7"}).status_code == 302
    assert "已编排，待签发" in office.get("/seating").text
    unit = sign_in(world.unit_administrator)
    assert "还没有签发的准考证" in unit.get("/tickets").text
    assert "准考证已签发，已通知6名考生" in office.post("/seating/issue", follow_redirects=True).text
    assert main_of(unit.get("/tickets")).count("<tr data-href") == 3
    assert unit.get("/tickets/all.pdf").data.startswith(b"%PDF")

    people = training.candidates(world.agency("410100"), training.cycles.current_cycle())
    mine = seating.db.session.scalars(seating.select(seating.Application).where(people)).first()
    assert mine is not None
    person = sign_in(world.account(mine.person.identity_number))
    page = person.get("/application/exam").text
    assert "2025年6月14日（星期六）9:00—11:00" in page and "第1考场" in page
    assert person.get("/application/ticket.pdf").data.startswith(b"%PDF")
    assert "考试安排和准考证" in person.get("/application").text

    sitting = sittings.all_of(world.agency("410100"))[0]
    for paper in ("sign-in", "seats", "desks"):
        assert office.get(f"/sittings/{sitting.id}/{paper}.pdf?room={room.id}").data.startswith(b"%PDF")
    for paper in ("doors", "summary"):
        assert office.get(f"/sites/{number}/{paper}.pdf").data.startswith(b"%PDF")
    assert "空座" in office.get(f"/sittings/{sitting.id}/rooms/{room.id}").text
    taken = seating.find_person(world.city_officer, mine.id).seat
    assert taken is not None
    moved = {"sitting": str(sitting.id), "room": str(room.id), "seat": str(taken.number)}
    again = office.post(f"/seats/{mine.id}", data=moved)
    assert again.status_code == 422 and error_beside(again.text, "seat", "已经在这个座位上，没有变动。")
    assert office.post(f"/seats/{mine.id}", data={**moved, "seat": "18"}).status_code == 302


def test_what_is_short_stands_on_the_preview(world: World, office: FlaskClient) -> None:
    site = exams.site(world)
    exams.sitting(world, exams.room(world, site, rows="1", columns="3", computers="3"))
    page = office.post("/seating/preview", data={"seed": "7"}).text
    assert "四级人机对话有6人，现有场次只有3个座位，缺3个。请增加考场或场次。" in page
    assert "保存编排" not in page
    wrong = office.post("/seating/preview", data={"seed": "七"})
    assert wrong.status_code == 422 and error_beside(wrong.text, "seed", "随机种子请填写1至999999之间的整数。")


def test_the_checklist_is_filled_in_with_the_plan(world: World, office: FlaskClient) -> None:
    site = exams.site(world)
    address = f"/sites/{site.id}/check"
    answers = {"power": "yes", "recording": "yes", "rooms": "yes", "kept_at": "保密室", "holder": "管一"}
    refused = office.post(address, data=answers)
    assert refused.status_code == 422 and "请上传考试应急预案（PDF）。" in refused.text
    sent = {**answers, "plan": (io.BytesIO(factories.pdf()), "应急预案.pdf")}
    done = office.post(address, data=sent, follow_redirects=True)
    assert "安全检查已落实" in done.text
    assert office.get(f"/sites/{site.id}/plan.pdf").data.startswith(b"%PDF")
    empty = office.post(
        f"/sites/{site.id}/incidents", data={"day": "2025-05-01", "at": "25:00", "what": "", "measures": ""}
    )
    assert empty.status_code == 422 and 'id="what-error"' in empty.text and 'id="at-error"' in empty.text


def test_a_class_from_enrolment_to_completion(world: World, office: FlaskClient) -> None:
    refused = office.post("/training/new", data={**exams.CLASS, "ends": "2025-05-01"})
    assert error_beside(refused.text, "ends", "结束日期不能早于开班日期。")
    assert office.post("/training/new", data=exams.CLASS).status_code == 302
    made = seating.db.session.scalars(training.listing(world.city_officer).query).one()
    address = f"/training/{made.id}"
    chosen = seating.db.session.scalars(training.candidates_listing(world.city_officer, made).query).all()
    too_many = office.post(f"{address}/enrol", data={"ids": [one.id for one in chosen]}, follow_redirects=True)
    assert "名额还剩3个，所选6人报不下" in too_many.text
    office.post(f"{address}/enrol", data={"ids": [one.id for one in chosen[:2]]})
    member = seating.db.session.scalars(training.members_listing(world.city_officer, made).query).first()
    assert member is not None
    wrong = office.post(address, data={f"hours-{member.id}": "99", f"outcome-{member.id}": "结业"})
    assert wrong.status_code == 422 and 'value="99"' in wrong.text and f'href="#hours-{member.id}"' in wrong.text
    assert "已保存，1人有变动" in office.post(address, data={f"hours-{member.id}": "40"}, follow_redirects=True).text
    table = workbook(
        [["姓名", "身份证号", "培训结果"], [chosen[2].person.name, chosen[2].person.identity_number, "结业"]]
    )
    preview = office.post(f"{address}/import", data={"file": (io.BytesIO(table), "名单.xlsx")})
    assert "新增1人" in preview.text
    held = preview.text.partition('name="held" type="hidden" value="')[2].partition('"')[0]
    assert "新增1人" in office.post(f"{address}/import/commit", data={"held": held}, follow_redirects=True).text


def test_counties_look_and_strangers_find_nothing(world: World, office: FlaskClient, sign_in: SignIn) -> None:
    site = exams.site(world)
    county, far = sign_in(world.officer), sign_in(world.far_city_officer)
    page = county.get(f"/sites/{site.id}")
    assert page.status_code == 200 and "新增考场" not in page.text
    assert county.get(f"/sites/{site.id}/edit").status_code == 403
    assert far.get(f"/sites/{site.id}").status_code == 404
    assert sign_in(world.unit_administrator).get("/sites").status_code == 403
    assert county.get("/exams").location.endswith("/scores")
