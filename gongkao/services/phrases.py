"""What reviewers write again and again: the standard sentences, and each reviewer's own."""

from collections.abc import Iterable

from sqlalchemy import select

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Phrase

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
