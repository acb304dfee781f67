"""What each kind of batch makes, for whom, and that its archives are safe to unpack."""

import io
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import PurePosixPath

import pytest

from gongkao.extensions import db
from gongkao.jobs.queue import queue
from gongkao.models import Account, Job, JobState, Person, Result
from gongkao.services import batches, certificates, files
from gongkao.services.errors import NotFound
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
    made, left_out = batches.KINDS["notices"].gather(world.far_officer, plan.items, ADDRESS)
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
