"""The papers of a visit: the list that the unit brings, the receipt, and the slip with which originals go back."""

from collections.abc import Callable

from gongkao.clock import today
from gongkao.documents import papers
from gongkao.documents.papers import VisitPaper, VisitPerson
from gongkao.models import Account
from gongkao.rules.grades import Grade
from gongkao.rules.onsite import document_code
from gongkao.services import originals
from gongkao.services.errors import Refused
from gongkao.services.originals import Holder, VisitDetail
from gongkao.services.visit_slots import time_text


def visit_list(actor: Account, visit_id: int) -> tuple[bytes, str]:
    """The list to bring along, as PDF, with the visit's number. Raises NotFound, Refused without people."""
    found = originals.detail(actor, visit_id)
    people = tuple(
        _person(
            holder, tuple((label, 1) for label in originals.asked_for(holder.application)), number=found.visit.number
        )
        for holder in found.people
    )
    return papers.visit_list(_paper(found, people, "该批次没有人员。")), found.visit.number


def receipt(actor: Account, visit_id: int) -> tuple[bytes, str]:
    """The receipt of everything taken in so far. Raises NotFound, Refused where nothing was."""
    found = originals.detail(actor, visit_id)
    people = _with_documents(found, lambda holder: _person(holder, _pieces(holder)))
    return papers.receipt(_paper(found, people, "该批次还没有接收原件，没有接收清单。")), found.visit.number


def return_slip(actor: Account, visit_id: int) -> tuple[bytes, str]:
    """The slip of everything taken in, to be signed when it goes back; what already went back says when and to whom.

    Raises NotFound, Refused where nothing was taken in.
    """
    found = originals.detail(actor, visit_id)
    people = _with_documents(found, lambda holder: _person(holder, _pieces(holder), _returned(holder)))
    return papers.return_slip(_paper(found, people, "该批次还没有接收原件，没有退还清单。")), found.visit.number


def _with_documents(found: VisitDetail, make: Callable[[Holder], VisitPerson]) -> tuple[VisitPerson, ...]:
    return tuple(make(holder) for holder in found.people if holder.received)


def _pieces(holder: Holder) -> tuple[tuple[str, int], ...]:
    return tuple((line.label, line.original.pieces) for line in holder.lines if line.original is not None)


def _returned(holder: Holder) -> str:
    """已于2025-03-21退还李四：身份证、原等级证书; what went back together stands together."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in holder.lines:
        if line.original is not None and line.original.returned_at is not None:
            key = (line.original.returned_at.strftime("%Y-%m-%d"), line.original.returned_to)
            found.setdefault(key, []).append(line.label)
    return "；".join(f"已于{day}退还{to}：{'、'.join(labels)}" for (day, to), labels in found.items())


def _person(holder: Holder, documents: tuple[tuple[str, int], ...], note: str = "", *, number: str = "") -> VisitPerson:
    """With the visit's number each document has its code."""
    application = holder.application
    return VisitPerson(
        name=application.person.name,
        masked_identity_number=application.person.masked_identity_number,
        unit_name=application.unit.name if application.unit is not None else "",
        trade=application.trade.name if application.trade is not None else "",
        grade=Grade(application.grade).level if application.grade else "",
        documents=documents,
        note=note,
        codes=tuple(document_code(number, holder.member.id, label) for label, _ in documents) if number else (),
    )


def _paper(found: VisitDetail, people: tuple[VisitPerson, ...], nothing: str) -> VisitPaper:
    if not people:
        raise Refused(nothing)
    visit = found.visit
    slot = visit.slot
    return VisitPaper(
        cycle_year=found.people[0].application.cycle.year,
        number=visit.number,
        unit_name=visit.unit.name,
        agency_name=visit.agency.name,
        bearer_name=visit.bearer_name,
        bearer_mobile=visit.bearer_mobile,
        time_text=time_text(slot) if slot is not None else "",
        place=(slot.place if slot is not None else "") or visit.agency.address,
        people=people,
        printed_on=today(),
    )
