"""What each kind of batch makes, for whom, and that its archives are safe to unpack."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import PurePosixPath

import pytest
from sqlalchemy import select

from gongkao import clock
from gongkao.extensions import db
from gongkao.jobs.queue import queue
from gongkao.models import Account, Deferral, DeferralStatus, Job, JobState, Person, Result, Seat
from gongkao.rules.workflow import Status
from gongkao.services import batches, certificates, false_materials, files, seating
from gongkao.services.batch_kinds import KINDS
from gongkao.services.errors import NotFound
from gongkao.services.transaction import transaction
from tests import exams, factories
from tests.documents.reading import read
from tests.services.released import release
from tests.world import World

ADDRESS = "http://gongkao.example"


@pytest.fixture
def results(world: World, at: Callable[[date], None]) -> list[Result]:
    return release(world, at, ("孟听雨甲", "祝晓川乙"), failed=("岳青山丙",))


def start(actor: Account, name: str, form: str = "zip", **args: str) -> Job:
    job = queue().start(actor, batches.plan(actor, name, form, args, ADDRESS))
    assert job.state is JobState.DONE, job.error
    return job


def entries(job: Job) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(files.read(job.files[0].file))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_every_kind_makes_its_papers(world: World, results: list[Result]) -> None:
    issued = entries(start(world.manager, "issue"))
    assert list(issued) == ["2541012200400001-孟听雨甲.pdf", "2541012200400002-祝晓川乙.pdf"]
    assert entries(start(world.officer, "certificates")) == issued
    passes = entries(start(world.officer, "passes"))
    assert list(passes) == ["合格人员通知-中牟县工考管理机构-四级.pdf"]
    assert "共2人" in read(next(iter(passes.values()))).text
    forms = entries(start(world.officer, "forms"))
    assert len(forms) == 3 and all("申报表" in read(data).text for data in forms.values())
    notices = entries(start(world.officer, "notices", passed="no"))
    assert [name.endswith("岳青山丙.pdf") for name in notices] == [True]


def test_what_reviews_deferrals_and_cases_came_to(world: World, at: Callable[[date], None]) -> None:
    """Each notice once, whoever asks; what is not decided yet is not among them."""
    good = factories.application(factories.person("孟听雨甲", 11), world.school, status=Status.QUALIFIED)
    factories.application(factories.person("祝晓川乙", 13), world.school, status=Status.AGENCY_REVIEW)
    bad = factories.application(factories.person("岳青山丙", 15), world.station, status=Status.REFUSED)
    with transaction():
        good.deferral = Deferral(
            status=DeferralStatus.AGREED, years=[2024], pledged_at=clock.now(), agreed_at=clock.now()
        )
    case = false_materials.raise_case(world.officer, good.id, "所交证书的编号与发证机关存根不符。")
    case = false_materials.waive_statement(world.manager, case.id, case.version, "逾期未提交")
    assert list(entries(start(world.officer, "deferrals"))) == [f"{good.number}-孟听雨甲.pdf"]
    made = entries(start(world.unit_administrator, "reviews"))
    assert list(made) == [f"{good.number}-孟听雨甲.pdf"]
    text = read(next(iter(made.values()))).text
    assert "审查结果合格审查意见2024年度考核结果容缺后补，应在2025年6月30日前上传" in text
    refused = entries(start(world.officer, "reviews", status="refused"))
    assert (
        list(refused) == [f"{bad.number}-岳青山丙.pdf"] and "审查结果不通过" in read(next(iter(refused.values()))).text
    )

    false_materials.decide(world.manager, case.id, case.version, "confirm", "发证机关确认证书系伪造，编号不存在。")
    assert list(entries(start(world.officer, "cases"))) == [
        f"{case.number}-孟听雨甲-取消申报资格通知书.pdf",
        f"{case.number}-孟听雨甲-禁止申报通知书.pdf",
    ]
    assert batches.plan(world.officer, "reviews", "zip", {}, ADDRESS).items == [bad.id]


def test_the_papers_of_a_tests_day(world: World, at: Callable[[date], None]) -> None:
    """For all sittings and sites at once, a room a paper; tickets for a unit only once they are issued."""
    people = exams.qualified(world, 4)
    at(exams.PLANNING_DAY)
    site = exams.site(world)
    sitting = exams.sitting(world, exams.room(world, site, number="1"), exams.room(world, site, number="2"))
    seating.commit(world.city_officer, 7)
    rooms = sorted({f"第1场-{site.name}-第{seat.room.number}考场.pdf" for seat in sitting_seats(sitting.id)})
    for kind, words in (("sign-in", "签到"), ("seat-maps", "座位图"), ("desk-labels", "温听")):
        made = entries(start(world.city_officer, kind))
        assert list(made) == rooms and all(words in read(data).text for data in made.values())
    assert list(entries(start(world.city_officer, "door-labels"))) == [name.partition("-")[2] for name in rooms]
    assert list(entries(start(world.city_officer, "site-summaries"))) == [f"{site.name}-考务安排汇总表.pdf"]
    tickets = entries(start(world.city_officer, "tickets", office=str(world.city_officer.agency_id)))
    assert len(tickets) == len(people) and all("准考证" in read(data).text for data in tickets.values())
    assert batches.plan(world.far_city_officer, "tickets", "zip", {}, ADDRESS).items == []
    assert batches.plan(world.unit_administrator, "tickets", "zip", {}, ADDRESS).items == []
    seating.issue(world.city_officer)
    own = entries(start(world.unit_administrator, "tickets"))
    assert {name: tickets[name] for name in own} == own and len(own) == 2
    with pytest.raises(NotFound):
        batches.find_kind(world.inspector, "tickets")


def sitting_seats(sitting_id: int) -> list[Seat]:
    return list(db.session.scalars(select(Seat).where(Seat.sitting_id == sitting_id)))


def test_the_archive_comes_in_a_zip_for_each_unit_with_its_hashes(world: World, results: list[Result]) -> None:
    certificates.issue(world.manager, [one.id for one in results[:2]])
    job = start(world.officer, "archive", "units")
    title = "2025年考核档案（3人）"
    assert [one.file.name for one in job.files] == [f"{title}-中牟县云溪站.zip", f"{title}-中牟县晴川学校.zip"]
    for one, names in zip(job.files, (["祝晓川乙"], ["孟听雨甲", "岳青山丙"]), strict=True):
        with zipfile.ZipFile(io.BytesIO(files.read(one.file))) as archive:
            *papers, manifest = archive.namelist()
            assert [name.split("-")[1] for name in papers] == names
            listed = dict(reversed(line.split("  ")) for line in archive.read(manifest).decode().splitlines())
            assert listed == {name: hashlib.sha256(archive.read(name)).hexdigest() for name in papers}
    whole = entries(start(world.officer, "archive"))
    assert [name.rpartition("/")[0] for name in whole] == ["中牟县云溪站", "中牟县晴川学校", "中牟县晴川学校", ""]


def test_a_city_chooses_a_county(world: World, results: list[Result]) -> None:
    """Whoever oversees several agencies narrows the list, and with it the batch, to one of them."""
    certificates.issue(world.manager, [one.id for one in results[:2]])
    for name, whole in (("notices", 3), ("certificates", 2), ("archive", 3), ("reviews", 3)):
        for code, count in (("410122", whole), ("410181", 0)):
            args = {"agency": str(world.agency(code).id)}
            assert len(batches.plan(world.province_officer, name, "zip", args, ADDRESS).items) == count


@pytest.mark.parametrize("name", ["notices", "certificates", "forms"])
def test_a_batch_holds_what_its_person_may_see(world: World, results: list[Result], name: str) -> None:
    certificates.issue(world.manager, [one.id for one in results[:2]])
    seen = {
        account.username: len(batches.plan(account, name, "zip", {}, ADDRESS).items)
        for account in (world.unit_administrator, world.station_administrator, world.officer, world.far_officer)
    }
    whole = 2 if name == "certificates" else 3
    assert seen == {"dwschool": whole - 1, "dwstation": 1, "gk410122": whole, "gk410181": 0}


def test_what_moved_out_of_sight_meanwhile_is_left_out(world: World, results: list[Result]) -> None:
    plan = batches.plan(world.officer, "notices", "zip", {}, ADDRESS)
    made, left_out = KINDS["notices"].gather(world.far_officer, plan.items, ADDRESS)
    assert made == [] and left_out == []


def test_only_who_may_asks_for_a_kind(world: World, results: list[Result]) -> None:
    for account, name in (
        (world.unit_administrator, "issue"),
        (world.unit_administrator, "archive"),
        (world.inspector, "issue"),
        (world.inspector, "forms"),
        (world.applicant, "notices"),
        (world.officer, "nothing"),
    ):
        with pytest.raises(NotFound):
            batches.find_kind(account, name)


def test_no_name_leads_out_of_the_archive(world: World, results: list[Result]) -> None:
    person = db.session.get_one(Person, results[0].application.person_id)
    person.name = "../../孟\\雨:*?"
    db.session.commit()
    for name in entries(start(world.officer, "notices")):
        path = PurePosixPath(name)
        assert not path.is_absolute() and len(path.parts) == 1 and not set(name) & set('\\:*?"<>|')
