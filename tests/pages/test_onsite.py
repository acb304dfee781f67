"""The pages of on-site confirmation, from bringing people together to the last original given back."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from gongkao import clock
from gongkao.extensions import db
from gongkao.models import Account, Application, Visit, VisitSlot, VisitStatus
from gongkao.rules import onsite
from gongkao.rules.workflow import Status
from gongkao.services import originals, visit_slots, visits
from tests import factories
from tests.pages.reading import error_beside, main_of
from tests.world import World

SignIn = Callable[[Account], FlaskClient]
PLACE = "政务中心二楼201室"


def waiting(world: World, *names: str) -> list[Application]:
    return [
        factories.application(factories.person(name, 61 + place), world.school, status=Status.ONSITE_CONFIRMATION)
        for place, name in enumerate(names)
    ]


def bundled(world: World, *names: str) -> Visit:
    ids = [one.id for one in waiting(world, *names)]
    return visits.bundle(world.bureau_administrator, ids, bearer_name="管一鸣", bearer_mobile="13800000001")


def test_from_the_unit_to_the_last_original(world: World, sign_in: SignIn) -> None:
    people = waiting(world, "甲一鸣", "乙晓岚")
    agency, unit = sign_in(world.officer), sign_in(world.bureau_administrator)
    answer = agency.post(
        "/onsite/slots/series",
        data={
            "first": "2025-03-21",
            "last": "2025-03-24",
            "times": "09:00-10:30",
            "capacity": "2",
            "place": PLACE,
        },
    )
    assert answer.location == "/onsite/slots" and "已设置2个时段" in agency.get("/onsite/slots").text

    page = unit.get("/onsite/new").text
    assert "甲一鸣" in page and people[0].person.identity_number not in page
    sent: dict[str, Any] = {
        "people": [str(one.id) for one in people],
        "bearer_name": "管一鸣",
        "bearer_mobile": "1380000000",
    }
    answer = unit.post("/onsite/new", data=sent)
    assert answer.status_code == 422 and error_beside(answer.text, "bearer_mobile", "11位")
    assert answer.text.count("checked") == 2 and 'value="1380000000"' in answer.text
    answer = unit.post("/onsite/new", data={"bearer_name": "管一鸣", "bearer_mobile": "13800000001"})
    assert answer.status_code == 422 and "请勾选本批现场确认的人员" in answer.text
    answer = unit.post("/onsite/new", data={**sent, "bearer_mobile": "13800000001"})
    visit = db.session.scalars(select(Visit)).one()
    assert answer.location == f"/onsite/visits/{visit.id}/book"

    page = unit.get(answer.location).text
    assert "2025年3月21日 星期五" in page and "余2人" in page
    refused = unit.post(answer.location, data={})
    assert refused.status_code == 422 and "请选择一个时段" in refused.text
    slot = db.session.scalars(select(VisitSlot).order_by(VisitSlot.starts_at)).first()
    assert slot is not None
    answer = unit.post(answer.location, data={"slot": str(slot.id)})
    assert answer.location == f"/onsite/visits/{visit.id}" and visit.status is VisitStatus.BOOKED
    page = unit.get(answer.location).text
    assert "改约" in page and "2025-03-21 09:00-10:30" in page and 'name="tick"' not in page
    paper = unit.get(f"/onsite/visits/{visit.id}/list.pdf")
    assert paper.mimetype == "application/pdf" and paper.data.startswith(b"%PDF")

    # The agency scans the list's code on the day.
    clock.install(clock.on_day(date(2025, 3, 21)))
    day = main_of(agency.get("/onsite"))
    assert "今天办理" in day and "autofocus" in day and visit.number in day
    assert agency.get(f"/onsite/find?number={visit.number}").location == f"/onsite/visits/{visit.id}"
    of_document = onsite.document_code(visit.number, visit.members[0].id, "身份证")
    assert agency.get(f"/onsite/find?number={of_document}").location == f"/onsite/visits/{visit.id}"
    assert f'data-code="{of_document}"' in agency.get(f"/onsite/visits/{visit.id}").text
    missing = agency.get("/onsite/find?number=2025999999")
    assert missing.status_code == 422 and "没有找到编号为“2025999999”的批次" in missing.text
    page = main_of(agency.get(f"/onsite/visits/{visit.id}"))
    ticks = re.findall(r'name="tick" value="([^"]+)"', page)
    assert len(ticks) == 10 and ticks[0].endswith(":身份证")
    base = f"/onsite/visits/{visit.id}"
    refused = agency.post(f"{base}/receive?step=receive", data={"tick": ticks[:1], f"pieces:{ticks[0]}": "x"})
    assert refused.status_code == 422 and "件数请填写1至99" in refused.text and "checked" in refused.text
    agency.post(f"{base}/receive", data={"tick": ticks[:2], f"pieces:{ticks[0]}": "2"})
    member = ticks[0].partition(":")[0]
    agency.post(f"{base}/receive", data={"member": member})
    added = agency.post(f"{base}/add", data={"member": member, "label": "表彰文件", "pieces": "1"})
    assert added.location == f"{base}?step=receive"
    refused = agency.post(f"{base}/add?step=receive", data={"member": member, "label": "表彰文件", "pieces": "1"})
    assert refused.status_code == 422 and error_beside(refused.text, "label", "清单中已有“表彰文件”")
    page = main_of(agency.get(f"{base}?step=receive"))
    assert page.count("已接收 6 份，待收 5 份") == 1

    page = main_of(agency.get(f"{base}?step=confirm"))
    assert "确认已收齐的1人" in page and f"/review/{people[1].id}" in page and "未接收：身份证" in page
    other = originals.detail(world.officer, visit.id).people[1].member.id
    refused = agency.post(f"{base}/confirm?step=confirm", data={"member": f"{other}:{people[1].version}"})
    assert refused.status_code == 422 and "乙晓岚还有原件没有接收" in refused.text
    agency.post(f"{base}/confirm", data={"member": f"{member}:{people[0].version}"})
    agency.post(f"{base}/receive", data={"all": "1"})
    agency.post(f"{base}/confirm", data={"all": "1"})
    assert [one.status for one in people] == [Status.QUALIFIED] * 2
    for paper_name in ("receipt", "return-slip"):
        assert agency.get(f"{base}/{paper_name}.pdf").data.startswith(b"%PDF")

    listed = main_of(unit.get("/onsite/originals"))
    assert "甲一鸣" in listed and "全部未退" in listed
    refused = agency.post(f"{base}/return?step=return", data={"all": "1", "returned_to": ""})
    assert refused.status_code == 422 and "领取人" in refused.text and visit.status is VisitStatus.RECEIVED
    agency.post(f"{base}/return", data={"all": "1", "returned_to": "管一鸣"})
    assert visit.status is VisitStatus.RETURNED
    assert "没有尚未退还的原件" in unit.get("/onsite/originals").text
    inbox = unit.get("/inbox").text
    assert "申报材料原件已退还12件" in inbox
    message = re.findall(r"/inbox/(\d+)", inbox)[0]
    assert unit.get(f"/inbox/{message}").location == base


def test_everybody_lands_on_their_own_page(world: World, sign_in: SignIn) -> None:
    visit = bundled(world, "甲一鸣")
    base = f"/onsite/visits/{visit.id}"
    for who in (world.bureau_administrator, world.unit_administrator, world.inspector):
        assert sign_in(who).get("/onsite").location == "/onsite/visits"
    city = sign_in(world.city_officer)
    assert city.get("/onsite").status_code == 200 and visit.number in city.get("/onsite/visits").text
    for overseer in (world.city_officer, world.inspector):
        page = main_of(sign_in(overseer).get(base))
        assert "甲一鸣" in page and "13800000001" not in page
        # The bearer's whole number may be looked at; nothing may be done.
        assert page.count("<button") == page.count("查看并记录</button>") == 1
    assert sign_in(world.city_officer).post(f"{base}/receive", data={"all": "1"}).status_code == 422
    assert visit.status is VisitStatus.BUNDLED
    for stranger in (world.far_officer, world.station_administrator, world.unit_administrator):
        assert sign_in(stranger).get(base).status_code == 404
    assert sign_in(world.inspector).post(f"{base}/receive", data={"all": "1"}).status_code == 403
    assert sign_in(world.applicant).get("/onsite").status_code == 403
    refused = sign_in(world.officer).get("/onsite/new")
    assert refused.status_code == 409 and "请用单位账户办理" in refused.text
    for page in ("/onsite/export", "/onsite/visits/export", "/onsite/slots/export", "/onsite/originals/export"):
        assert sign_in(world.officer).get(page).data.startswith(b"PK")


def test_a_booking_is_changed_and_cancelled_from_the_page(world: World, sign_in: SignIn) -> None:
    visit = bundled(world, "甲一鸣", "乙晓岚")
    slot = visit_slots.save(
        world.officer, None, day="2025-03-21", starts="09:00", ends="10:00", capacity="2", place=PLACE
    )
    visits.book(world.bureau_administrator, visit.id, slot.id)
    unit, agency = sign_in(world.bureau_administrator), sign_in(world.officer)
    base = f"/onsite/visits/{visit.id}"
    page = unit.get(f"{base}/people").text
    assert page.count("checked") == 2
    kept = str(visit.members[0].application_id)
    sent = {"version": "0", "people": kept, "bearer_name": "李四方", "bearer_mobile": "13800000001"}
    answer = unit.post(f"{base}/people", data=sent)
    assert answer.status_code == 422 and "刚刚被修改过" in answer.text and len(visit.members) == 2
    assert unit.post(f"{base}/people", data={**sent, "version": str(visit.version)}).location == base
    assert len(visit.members) == 1 and visit.bearer_name == "李四方"

    page = agency.get(f"/onsite/slots/{slot.id}").text
    assert "已预约 1 人" in page and "取消的原因" in page
    answer = agency.post(f"/onsite/slots/{slot.id}/remove", data={"reason": ""})
    assert answer.status_code == 422 and error_beside(answer.text, "reason", "请填写取消的原因")
    assert 'value="2025-03-21"' in answer.text
    wrong = {"day": "2025-05-01", "starts": "9", "ends": "10:00", "capacity": "2", "place": PLACE}
    answer = agency.post(f"/onsite/slots/{slot.id}", data=wrong)
    assert answer.status_code == 422 and error_beside(answer.text, "day", "3月13日至4月11日")
    assert error_beside(answer.text, "starts", "不是时间") and 'value="2025-05-01"' in answer.text

    clock.install(clock.on_day(date(2025, 3, 21)))
    unit.post(f"{base}/cancel-booking")
    assert "最迟在前一天办理" in unit.get(base).text and visit.status is VisitStatus.BOOKED
    clock.install(clock.on_day(date(2025, 3, 20)))
    unit.post(f"{base}/cancel-booking")
    assert visit.status is VisitStatus.BUNDLED
    assert unit.post(f"{base}/dissolve").location == "/onsite/visits" and visit.status is VisitStatus.CANCELLED
    assert agency.post(f"/onsite/slots/{slot.id}/remove", data={}).location == "/onsite/slots"


def test_outside_the_window_the_tick_page_says_so_and_only_gives_back(world: World, sign_in: SignIn) -> None:
    visit = bundled(world, "甲一鸣", "乙晓岚")
    member = originals.detail(world.officer, visit.id).people[0].member.id
    originals.receive(world.officer, visit.id, None, member_id=member)
    clock.install(clock.on_day(date(2025, 4, 14)))
    agency, base = sign_in(world.officer), f"/onsite/visits/{visit.id}"
    for step in ("receive", "confirm"):
        page = main_of(agency.get(f"{base}?step={step}"))
        assert "现在不能接收和确认" in page and "3月13日至4月11日" in page and 'name="all"' not in page
    answer = agency.post(f"{base}/confirm?step=confirm", data={"all": "1"})
    assert answer.status_code in (302, 422) and "3月13日至4月11日" in agency.get(f"{base}?step=confirm").text
    assert "请尽快退还" in agency.get("/onsite/originals?late=yes").text
    agency.post(f"{base}/return", data={"member": str(member), "returned_to": "管一鸣"})
    assert visit.status is VisitStatus.RETURNED
