"""What reviewers write again and again: the standard sentences, and each reviewer's own."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Phrase
from gongkao.services.listing import Column, Listing, contains
from gongkao.services.transaction import transaction

STEP_PHRASES = ("与人事档案不符，请核对后修改。", "与上传的材料不一致，请核对后修改。", "填写不完整，请补充完整。")
MATERIAL_PHRASES = (
    "照片不清晰，请重新拍摄后上传。",
    "缺页，请补传完整。",
    "缺少单位盖章，请盖章后重新上传。",
    "与填报内容不一致，请核对后重新上传。",
    "材料已过有效期，请上传有效材料。",
)
# So many of one's own are offered; the list is to be read at a glance.
OFFERED = 12


def remember(actor: Account, texts: Iterable[str]) -> None:
    """Count what the reviewer wrote, inside the caller's use case; the standard sentences are there anyway."""
    wanted = {text.strip() for text in texts} - {"", *STEP_PHRASES, *MATERIAL_PHRASES}
    if not wanted:
        return
    query = select(Phrase).where(Phrase.account_id == actor.id, Phrase.text.in_(wanted))
    known = {phrase.text: phrase for phrase in db.session.scalars(query)}
    for text in sorted(wanted):
        if text in known:
            known[text].uses += 1
            known[text].used_at = now()
        else:
            db.session.add(Phrase(account_id=actor.id, text=text))


def own(actor: Account) -> list[str]:
    """The reviewer's own sentences, the most used first."""
    query = select(Phrase.text).where(Phrase.account_id == actor.id)
    return list(db.session.scalars(query.order_by(Phrase.uses.desc(), Phrase.used_at.desc()).limit(OFFERED)))


def listing(actor: Account) -> Listing:
    """All of the reviewer's own sentences, the most used first."""
    return Listing(
        title="常用审查意见",
        query=select(Phrase).where(Phrase.account_id == actor.id),
        tie=Phrase.id,
        sort="uses",
        descending=True,
        search=[contains(Phrase.text)],
        search_hint="意见中的文字",
        columns=[
            Column("text", "审查意见", lambda row: row.text, Phrase.text),
            Column("uses", "使用次数", lambda row: str(row.uses), Phrase.uses, kind="number"),
            Column("used_at", "最近使用", lambda row: f"{row.used_at:%Y-%m-%d}", Phrase.used_at, kind="date"),
        ],
        empty_text="还没有常用意见。审查时写过的问题和要求会自动记在这里，下次可以直接选用。",
    )


def forget(actor: Account, phrase_ids: Sequence[int]) -> int:
    """Offer some of one's own sentences no more; returns how many there were."""
    with transaction() as session:
        found = session.scalars(select(Phrase).where(Phrase.account_id == actor.id, Phrase.id.in_(phrase_ids))).all()
        for phrase in found:
            session.delete(phrase)
    return len(found)
