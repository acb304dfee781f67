"""Batches, certificates and the archive through the pages, as each role meets them."""

import io
import zipfile
from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Certificate, Job, JobState, Result
from gongkao.services import certificates
from tests.documents.reading import read
from tests.pages.reading import error_beside, main_of
from tests.services.released import release
from tests.world import World

SignIn = Callable[[Account], FlaskClient]


@pytest.fixture
def results(world: World, at: Callable[[date], None]) -> list[Result]:
    return release(world, at, ("孟听雨甲", "祝晓川乙"), failed=("岳青山丙",))


def test_a_batch_is_started_watched_and_taken(world: World, results: list[Result], sign_in: SignIn) -> None:
    officer = sign_in(world.officer)
    assert "/batches/notices?passed=yes" in officer.get("/results?passed=yes").text
    page = officer.get("/batches/notices?passed=yes").text
    assert "批量生成考核结果通知" in page and ">2<" in page.replace("<small>人</small>", "<")
    started = officer.post("/batches/notices?passed=yes", data={"form": "zip"})
    assert started.status_code == 302
    page = officer.get(started.location).text
    assert "已完成" in page and "2025年考核结果通知（2人）.zip" in page and "http-equiv" not in page
    taken = officer.get(f"{started.location}/files/1")
    with zipfile.ZipFile(io.BytesIO(taken.data)) as archive:
        assert len(archive.namelist()) == 2
    assert "2025年考核结果通知（2人）" in officer.get("/jobs").text
    state = officer.get(f"{started.location}/state").get_json()
    assert state == {"open": False, "state": "已完成", "done": 2, "total": 2, "left": ""}
    stranger = sign_in(world.manager)
    for address in (started.location, f"{started.location}/state", f"{started.location}/files/1"):
        assert stranger.get(address).status_code == 404


def test_a_job_under_way_can_be_cancelled_without_scripts(world: World, results: list[Result], sign_in: SignIn) -> None:
    job = Job(kind="notices", title="任务", parameters={}, items=[1], account_id=world.officer.id, total=400, done=100)
    db.session.add(job)
    db.session.commit()
    officer = sign_in(world.officer)
    page = officer.get(f"/jobs/{job.id}").text
    assert 'http-equiv="refresh"' in page and "100 / 400（25%）" in page and "取消任务" in page
    assert officer.post(f"/jobs/{job.id}/cancel").status_code == 302
    db.session.rollback()
    assert db.session.get_one(Job, job.id).state is JobState.CANCELLED
    assert "任务已取消" in officer.get(f"/jobs/{job.id}").text


def test_without_a_choice_nothing_starts(world: World, results: list[Result], sign_in: SignIn) -> None:
    refused = sign_in(world.officer).post("/batches/notices")
    assert refused.status_code == 422 and "请选择文书的生成方式" in refused.text
    assert db.session.scalar(select(Job.id)) is None
    assert sign_in(world.unit_administrator).get("/batches/issue").status_code == 404


def test_certificates_are_issued_handed_out_and_ended_on_the_pages(
    world: World, results: list[Result], sign_in: SignIn
) -> None:
    manager = sign_in(world.manager)
    assert "办理证书（2人）" in manager.get("/certificates").text
    manager.post("/batches/issue", data={"form": "pdf"})
    page = main_of(manager.get("/certificates"))
    assert "办理证书（" not in page and "254101220040000" in page and "孟听雨甲" in page
    assert results[0].application.person.identity_number not in page
    first, second = db.session.scalars(select(Certificate).order_by(Certificate.serial))

    officer = sign_in(world.officer)
    assert (
        "请输入领取人姓名"
        in officer.post("/certificates/hand-out", data={"ids": [first.id]}, follow_redirects=True).text
    )
    officer.post("/certificates/hand-out", data={"ids": [first.id], "taken_by": "管二"})
    assert "2025-11-03 管二" in officer.get("/certificates").text

    address = f"/certificates/{second.id}"
    empty = officer.post(f"{address}/reissue", data={"version": second.version, "reason": ""})
    assert empty.status_code == 422 and error_beside(empty.text, "reason", "请写明原因")
    again = officer.post(f"{address}/reissue", data={"version": second.version, "reason": "姓名更正"})
    assert again.status_code == 302
    assert "已换发，本证作废" in officer.get(address).text
    assert officer.post(f"{again.location}/revoke", data={"version": 1, "reason": "虚假材料"}).status_code == 403
    assert manager.post(f"{again.location}/revoke", data={"version": 1, "reason": "虚假材料"}).status_code == 302
    assert "虚假材料" in read(manager.get(f"{again.location}/revocation.pdf").data).text
    assert manager.get(f"{address}/revocation.pdf").status_code == 404

    anybody = sign_in(world.applicant)
    expected = {first.id: "证书有效", second.id: "证书已换发，本证作废", second.id + 1: "证书已撤销，无效"}
    for one in db.session.scalars(select(Certificate)).all():
        shown = anybody.get(f"/verify/{one.verification_code.lower()}").text
        assert expected[one.id] in shown and one.content["name"] not in shown
        assert one.application.person.identity_number not in shown


def test_certificates_of_others_are_not_there(world: World, results: list[Result], sign_in: SignIn) -> None:
    certificates.issue(world.manager, [results[0].id])
    made = db.session.scalars(select(Certificate)).one()
    address = f"/certificates/{made.id}"
    for account in (world.far_officer, world.far_unit_administrator, world.station_administrator):
        for path in (address, f"{address}/certificate.pdf"):
            assert sign_in(account).get(path).status_code == 404
    for account in (world.unit_administrator, world.inspector, world.city_officer):
        assert sign_in(account).get(f"{address}/certificate.pdf").status_code == 200
        assert "换发证书" not in sign_in(account).get(address).text


def test_the_archive_says_what_is_missing_and_gives_what_is_sealed(
    world: World, results: list[Result], sign_in: SignIn
) -> None:
    officer = sign_in(world.officer)
    application = results[0].application_id
    assert "等级证书尚未办理" in officer.get(f"/archive/{application}").text
    certificates.issue(world.manager, [results[0].id])
    job = officer.post("/batches/archive", data={"form": "zip"}).location
    page = officer.get(job).text
    assert "部分文书没有生成" in page and "祝晓川乙" in page and "等级证书尚未办理" in page
    with zipfile.ZipFile(io.BytesIO(officer.get(f"{job}/files/1").data)) as archive:
        assert len(archive.namelist()) == 3 and "校验清单.txt" in archive.namelist()
    page = officer.get(f"/archive/{application}").text
    assert "档案齐全" in page and "第1版" in page and "申报材料：身份证" in page
    assert sign_in(world.unit_administrator).get("/archive/records/1.pdf").status_code == 200
    for account in (world.far_officer, world.station_administrator):
        assert sign_in(account).get("/archive/records/1.pdf").status_code == 404
    assert "已封存" in officer.get("/archive?sealed=yes").text
    assert sign_in(world.unit_administrator).get("/batches/archive").status_code == 404


def test_people_see_their_own_certificates(world: World, results: list[Result], sign_in: SignIn) -> None:
    """The valid one with its number, paper and code; what came before, and why it ended; nobody else's."""
    first, second = certificates.issue(world.manager, [one.id for one in results[:2]])
    made = certificates.reissue(world.manager, first.id, first.version, "姓名更正")
    holder = sign_in(_holder(results[0]))
    assert "/application/certificate" in holder.get("/application").text
    page = main_of(holder.get("/application/certificate"))
    for words in (made.number, first.number, "姓名更正", f"/verify/{made.verification_code}", "data:image/svg+xml"):
        assert words in page
    assert second.number not in page and results[0].application.person.identity_number not in page
    paper = holder.get(f"/application/certificates/{made.id}.pdf")
    assert made.number in read(paper.data).text
    # What is no longer valid is not printed again, and another's is not there.
    for number in (first.id, second.id):
        assert holder.get(f"/application/certificates/{number}.pdf").status_code == 404

    certificates.revoke_one(world.manager, second.id, second.version, "虚假材料")
    other = sign_in(_holder(results[1]))
    page = main_of(other.get("/application/certificate"))
    assert "现在没有有效的证书" in page and "虚假材料" in page
    assert "虚假材料" in read(other.get(f"/application/certificates/{second.id}/revocation.pdf").data).text
    assert "还没有等级证书" in main_of(sign_in(world.applicant).get("/application/certificate"))


def _holder(result: Result) -> Account:
    return db.session.scalars(select(Account).where(Account.person_id == result.application.person_id)).one()


def test_every_kind_is_asked_for_where_its_list_is(world: World, results: list[Result], sign_in: SignIn) -> None:
    certificate = certificates.issue(world.manager, [results[0].id])[0]
    certificates.revoke_one(world.manager, certificate.id, certificate.version, "虚假材料")
    officer = sign_in(world.officer)
    for place, names in {
        "/review/all?grade=4": ("forms?grade=4", "reviews?grade=4"),
        "/certificates": ("certificates", "revocations"),
        "/results": ("notices",),
        "/results/releases": ("passes",),
        "/archive": ("archive",),
    }.items():
        page = officer.get(place).text
        for name in names:
            assert f"/batches/{name}" in page and officer.get(f"/batches/{name}").status_code == 200
    refused = officer.get(f"/review/{results[0].application_id}/result.pdf")
    assert "审查结果合格" in read(refused.data).text
    assert sign_in(world.far_officer).get(f"/review/{results[0].application_id}/result.pdf").status_code == 404
    assert "审查结果合格" in read(sign_in(_holder(results[0])).get("/application/review-result.pdf").data).text
