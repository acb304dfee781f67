"""The files an applicant uploads (申报材料): added, looked at, replaced and removed, kind by kind."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from gongkao.access.scope import narrow
from gongkao.extensions import db
from gongkao.models import Account, Application, Material, Role
from gongkao.rules.application_form import MATERIAL_PREFIX, FormFacts, FormStep, lacking_materials
from gongkao.rules.errors import InvalidInput
from gongkao.rules.materials import MaterialKind, MaterialRule, Need
from gongkao.services import audit, drafts, files
from gongkao.services.application_form import facts_of, material_rules
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction
from gongkao.storage.uploads import Upload, inspect_photo, inspect_upload

Sent = tuple[bytes, str]


class SameFile(FieldsRefused):
    """A file of exactly this content is there already."""


@dataclass(frozen=True)
class MaterialGroup:
    """One kind of material on the page. `rule` is None for files that the application no longer asks for."""

    kind: MaterialKind
    rule: MaterialRule | None
    files: list[Material]
    lacking: bool
    editable: bool

    @property
    def room(self) -> int:
        """How many files may still be added."""
        return max(0, self.rule.max_files - len(self.files)) if self.rule is not None else 0


def groups(application: Application) -> list[MaterialGroup]:
    """The materials by kind: those asked for, in the order of the list, then what is there besides."""
    facts = facts_of(application)
    may = drafts.open_now(application, facts)
    lacking = {rule.kind for rule in lacking_materials(facts)}
    found = []
    for rule in facts.material_rules:
        of_kind = [one for one in application.materials if one.kind is rule.kind]
        found.append(MaterialGroup(rule.kind, rule, of_kind, rule.kind in lacking, rule.kind in may.kinds))
    listed = {group.kind for group in found}
    for kind in MaterialKind:
        of_kind = [one for one in application.materials if one.kind is kind]
        if of_kind and kind not in listed:
            found.append(MaterialGroup(kind, None, of_kind, False, kind in may.kinds))
    return found


def deferred(facts: FormFacts) -> bool:
    """Whether the yearly assessments are left to be made up later (容缺后补)."""
    kind = MaterialKind.ASSESSMENT
    asked = any(rule.kind is kind and rule.need is Need.DEFERRABLE for rule in facts.material_rules)
    return asked and not facts.materials.get(kind) and kind not in {rule.kind for rule in lacking_materials(facts)}


def add(actor: Account, kind: MaterialKind, sent: Sequence[Sent]) -> Application:
    """Add files of a kind, all of them or none; where only one is asked for it takes the place of the present one.

    Returns the application as it stands then. Raises FieldsRefused under "material-<kind>", Refused where locked,
    WindowClosed, NotFound.
    """
    rule = _rule(drafts.own(actor), kind)
    uploads = _inspect(rule, sent)
    with transaction(shown=True) as session:
        application = drafts.own(actor, lock=True)
        drafts.require_open(application, FormStep.MATERIALS, kind)
        present = [one for one in application.materials if one.kind is kind]
        if rule.max_files == 1 and len(uploads) == 1:
            for one in present:
                application.materials.remove(one)
            present = []
        if len(present) + len(uploads) > rule.max_files:
            raise _refused(
                kind,
                f"{rule.label}最多{rule.max_files}个文件，现有{len(present)}个，又选了{len(uploads)}个。"
                "请减少文件，或合并成一个 PDF 后上传。",
            )
        known = {one.file.sha256 for one in present}
        for upload, name in uploads:
            kept = files.keep(upload, name)
            if kept.sha256 in known:
                raise SameFile({_field(kind): f"“{kept.name}”与已上传的文件内容相同，不需要重复上传。"})
            known.add(kept.sha256)
            application.materials.append(Material(kind=kind, file=kept))
        drafts.touch(application)
        session.flush()
        audit.record(actor, "upload_material", application, kind=kind.value, files=len(uploads))
    return application


def replace(actor: Account, material_id: int, sent: Sent) -> Application:
    """Put another file in the place of one. Returns and raises as `add`."""
    kind = find_own(actor, material_id).kind
    rule = _asked_for(drafts.own(actor), kind)
    if rule is None:
        raise Refused(f"本次申报不需要{kind.label}，请直接删除该文件。")
    ((upload, name),) = _inspect(rule, [sent])
    with transaction(shown=True) as session:
        application = drafts.own(actor, lock=True)
        drafts.require_open(application, FormStep.MATERIALS, kind)
        old = _of(application, material_id)
        kept = files.keep(upload, name)
        if any(one.file.sha256 == kept.sha256 for one in application.materials if one.kind is kind):
            raise SameFile({_field(kind): f"“{kept.name}”与已上传的文件内容相同，没有替换。"})
        application.materials.remove(old)
        application.materials.append(Material(kind=kind, file=kept))
        drafts.touch(application)
        session.flush()
        audit.record(actor, "replace_material", application, kind=kind.value)
    return application


def remove(actor: Account, material_id: int) -> Application:
    """Take a file out of the application, which is returned. Raises Refused where locked, WindowClosed, NotFound."""
    find_own(actor, material_id)
    with transaction(shown=True):
        application = drafts.own(actor, lock=True)
        material = _of(application, material_id)
        kind = material.kind
        drafts.require_open(application, FormStep.MATERIALS, kind)
        application.materials.remove(material)
        drafts.touch(application)
        audit.record(actor, "remove_material", application, kind=kind.value)
    return application


def find_own(actor: Account, material_id: int) -> Material:
    """One of the applicant's own files, of any cycle. Raises NotFound."""
    query = narrow(select(Material).join(Material.application), Application, actor).where(Material.id == material_id)
    material = db.session.scalar(query)
    if material is None or actor.role is not Role.APPLICANT:
        raise NotFound("material")
    return material


def _of(application: Application, material_id: int) -> Material:
    material = next((one for one in application.materials if one.id == material_id), None)
    if material is None:
        raise NotFound("material")
    return material


def _rule(application: Application, kind: MaterialKind) -> MaterialRule:
    rule = _asked_for(application, kind)
    if rule is None:
        raise Refused(f"本次申报不需要{kind.label}，没有上传。")
    return rule


def _asked_for(application: Application, kind: MaterialKind) -> MaterialRule | None:
    return next((rule for rule in material_rules(application) if rule.kind is kind), None)


def _inspect(rule: MaterialRule, sent: Sequence[Sent]) -> list[tuple[Upload, str]]:
    """Check files before anything is locked: opening and cleaning them is slow."""
    if not sent:
        raise _refused(rule.kind, f"请先选择要上传的{rule.label}文件。")
    if len(sent) > rule.max_files:
        raise _refused(rule.kind, f"{rule.label}最多{rule.max_files}个文件，这次选了{len(sent)}个，请减少后重新选择。")
    uploads = []
    for data, name in sent:
        try:
            if rule.kind is MaterialKind.PHOTO:
                upload = inspect_photo(data, name)
            else:
                upload = inspect_upload(data, name, formats=rule.formats, max_bytes=rule.max_bytes, label=rule.label)
        except InvalidInput as error:
            raise _refused(rule.kind, error.message) from error
        uploads.append((upload, name))
    return uploads


def _refused(kind: MaterialKind, message: str) -> FieldsRefused:
    return FieldsRefused({_field(kind): message})


def _field(kind: MaterialKind) -> str:
    return f"{MATERIAL_PREFIX}{kind.value}"
