"""The audit trail as a whole: sealing it stretch by stretch, proving that nothing was touched, looking things up."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from gongkao.access.scope import narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, AuditEntry, AuditSeal
from gongkao.services import audit
from gongkao.services.listing import Column, Filter, Listing, contains
from gongkao.services.transaction import transaction

# An entry younger than this may belong to a use case that is not through yet, and is not sealed.
GRACE = timedelta(minutes=10)
_BATCH = 2000
_LOCK = 20250321
_START = "0" * 64


@dataclass(frozen=True)
class Verification:
    """What the proof found: how many entries and seals, and each thing that is not as it was written, in words."""

    entries: int
    sealed: int
    seals: int
    problems: tuple[str, ...]

    @property
    def intact(self) -> bool:
        return not self.problems


def _chain(before: str, mac: str) -> str:
    return hashlib.sha256(f"{before}{mac}".encode()).hexdigest()


def seal(grace: timedelta = GRACE) -> int:
    """Seal what has been written since the last seal; returns how many entries."""
    with transaction() as session:
        # One at a time: two seals over the same stretch would contradict each other. Not by locking rows: on PostgreSQL
        # that takes the right to change them, which this role may not have.
        if session.connection().dialect.name == "postgresql":
            session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        last = session.scalar(select(AuditSeal).order_by(AuditSeal.id.desc()).limit(1))
        # Up to the last one that is old enough, whatever time the others tell: where the clock was put on or back, a
        # stretch chosen by time alone would have gaps.
        new_ones = AuditEntry.id > (last.last_id if last else 0)
        end = session.scalar(select(func.max(AuditEntry.id)).where(new_ones, AuditEntry.at <= now() - grace)) or 0
        query = select(AuditEntry.id, AuditEntry.mac).where(new_ones, AuditEntry.id <= end).order_by(AuditEntry.id)
        digest = last.digest if last else _START
        first_id = last_id = count = 0
        for entry_id, mac in session.execute(query.execution_options(yield_per=_BATCH)):
            digest = _chain(digest, mac)
            first_id, last_id, count = first_id or entry_id, entry_id, count + 1
        if count:
            made = AuditSeal(first_id=first_id, last_id=last_id, entries=count, digest=digest, sealed_at=now(), mac="")
            made.mac = _seal_mac(made)
            session.add(made)
    return count


def _seal_mac(made: AuditSeal) -> str:
    return audit.keyed(f"seal {made.first_id} {made.last_id} {made.entries} {made.digest}")


def verify(progress: Callable[[int, int], None] = lambda *_: None) -> Verification:
    """Read the whole trail and find every change, gap, addition or reorder.

    Each entry is proved by its own keyed hash; where entries were taken out or put in is told by the seals. What is not
    sealed yet (the last minutes) is proved entry by entry only.
    """
    total = db.session.scalar(select(func.count()).select_from(AuditEntry)) or 0
    seals = list(db.session.scalars(select(AuditSeal).order_by(AuditSeal.id)))
    problems = list(_broken_seals(seals))
    entries = _entries()
    entry = next(entries, None)
    read = sealed = 0
    digest = _START
    for one in seals:
        count = 0
        while entry is not None and entry.id <= one.last_id:
            problems += _broken_entry(entry)
            digest, count, read = _chain(digest, entry.mac), count + 1, read + 1
            progress(read, total)
            entry = next(entries, None)
        if count != one.entries:
            problems.append(f"第{one.first_id}至{one.last_id}号记录应有{one.entries}条，现有{count}条。")
        elif digest != one.digest:
            problems.append(f"第{one.first_id}至{one.last_id}号记录的内容或顺序被改动。")
        sealed += count
        # Go on from what was sealed, so that one fault is told once.
        digest = one.digest
    while entry is not None:
        problems += _broken_entry(entry)
        read += 1
        progress(read, total)
        entry = next(entries, None)
    return Verification(read, sealed, len(seals), tuple(problems))


def _entries() -> Iterator[AuditEntry]:
    last = 0
    while True:
        found = db.session.scalars(
            select(AuditEntry).where(AuditEntry.id > last).order_by(AuditEntry.id).limit(_BATCH)
        ).all()
        if not found:
            return
        yield from found
        last = found[-1].id
        db.session.expunge_all()


def _broken_entry(entry: AuditEntry) -> list[str]:
    if entry.mac == audit.proof_of(entry):
        return []
    return [f"第{entry.id}号记录（{entry.at:%Y-%m-%d %H:%M} {entry.actor}）的内容被改动。"]


def _broken_seals(seals: list[AuditSeal]) -> Iterator[str]:
    last = 0
    for place, one in enumerate(seals, start=1):
        if one.mac != _seal_mac(one):
            yield f"第{place}个封存记录被改动。"
        if one.first_id <= last:
            yield f"第{place}个封存记录的范围与前一个重叠。"
        last = one.last_id


def listing(actor: Account) -> Listing:
    """What the accounts in the person's scope have done, newest first."""
    accounts = narrow(select(Account.id), Account, actor)
    return Listing(
        title="操作记录",
        query=narrow(select(AuditEntry), AuditEntry, actor),
        count_from=select(AuditEntry).where(AuditEntry.account_id.in_(accounts)),
        tie=AuditEntry.id,
        descending=True,
        search=[contains(AuditEntry.actor), contains(AuditEntry.subject_id), contains(AuditEntry.address)],
        search_hint="姓名、机构、编号、网络地址",
        columns=[
            Column("at", "时间", lambda row: row.at.strftime("%Y-%m-%d %H:%M:%S"), kind="date"),
            Column("actor", "办理人", lambda row: row.actor),
            Column("action", "操作", lambda row: action_text(row.action)),
            Column("subject", "对象", lambda row: f"{row.subject_type} {row.subject_id}", kind="mono"),
            Column("detail", "内容", _detail_text),
            Column("address", "网络地址", lambda row: row.address, kind="mono"),
        ],
        filters=[
            Filter(
                "action",
                "操作",
                [("", "全部操作"), *sorted(_ACTIONS.items(), key=lambda pair: pair[1])],
                lambda value: AuditEntry.action == value,
            )
        ],
        empty_text="没有操作记录。",
    )


def _detail_text(entry: AuditEntry) -> str:
    return "；".join(_plain(value) for value in entry.detail.values())[:300]


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "，".join(_plain(one) for one in value.values())
    if isinstance(value, list):
        return " → ".join(_plain(one) for one in value)
    return {True: "是", False: "否", None: ""}.get(value, str(value)) if isinstance(value, bool | None) else str(value)


def action_text(action: str) -> str:
    """What an action is called on the page."""
    return _ACTIONS.get(action, action)


_ACTIONS = {
    "accept_deferral": "通过容缺后补材料",
    "accept_sheet": "通过管理人员登记表",
    "accept_unit_name": "确认单位名称",
    "agree_to_deferral": "同意容缺后补",
    "ask_deferral_again": "要求重新补交",
    "ask_password_help": "申请重置密码",
    "attach_signed_report": "上传盖章报表",
    "book_visit": "预约现场确认",
    "cancel_job": "取消批量任务",
    "clear_job": "清除批量任务的结果",
    "end_job": "批量任务结束",
    "enter_panel_sheet": "录入评委评分",
    "hand_out_certificate": "发放证书",
    "issue_certificate": "制作证书",
    "reissue_certificate": "补发证书",
    "revoke_certificate": "撤销证书",
    "seal_record": "归档",
    "start_job": "办理批量任务",
    "take_whole_numbers": "下载含完整号码的文书",
    "view_whole_number": "查看完整号码",
    "bundle_visit": "汇总现场确认人员",
    "cancel_booking": "取消预约",
    "change_agency": "修改机构信息",
    "change_calendar": "修改工作日程",
    "change_conditions": "修改申报条件",
    "change_contact": "修改联系方式",
    "change_password": "修改密码",
    "change_sheet": "修改登记表",
    "change_unit": "修改单位",
    "change_visit": "修改现场确认",
    "check_exam_site": "检查考点",
    "clear_seating": "清除编排",
    "confirm_false_materials": "认定虚假材料",
    "confirm_unit_statement": "确认岗位说明",
    "confirmed_unit_name": "核对单位名称",
    "corrected_unit_name": "更正单位名称",
    "create_unit": "新增单位",
    "disable_second_factor": "停用动态码",
    "dismiss_false_materials": "不予认定虚假材料",
    "dissolve_visit": "撤销现场确认",
    "draw_sample": "抽取样本",
    "enable_second_factor": "启用动态码",
    "end_account": "停用账户",
    "enrol_in_training": "培训报名",
    "end_session": "退出其他设备",
    "end_sessions": "退出全部其他设备",
    "enter_scores": "录入成绩",
    "import_scores": "导入成绩",
    "undo_score_import": "撤销成绩导入",
    "mark_breach": "登记违纪",
    "switch_double_entry": "改变成绩录入方式",
    "settle_score": "核定两次录入不一致的成绩",
    "change_pass_lines": "修改合格标准",
    "change_scoring": "修改评审和复核设置",
    "make_panel": "建立评审组",
    "remove_panel": "删除评审组",
    "add_to_panel": "编入评审组",
    "take_out_of_panel": "移出评审组",
    "set_panel_absence": "登记评审缺考",
    "seal_panel_sheet": "密封评委评分",
    "open_panel": "启封评审评分",
    "ask_recheck": "申请成绩复核",
    "answer_recheck": "答复成绩复核",
    "propose_release": "提请公布结果",
    "return_release": "退回公布提请",
    "extend_calendar": "延长时间",
    "fail_deferral": "容缺后补不通过",
    "file_calendar": "报备本地日程",
    "fill_in_sheet": "填写登记表",
    "hand_in_sheet": "提交登记表",
    "import_roster": "导入人员名单",
    "import_trades": "导入工种",
    "import_training": "导入培训",
    "issue_account": "发放账户",
    "issue_password": "发放新密码",
    "issue_tickets": "发放准考证",
    "judge_sampled_application": "复核抽查申报",
    "leave_visit": "退出现场确认",
    "lift_false_materials": "撤销虚假材料认定",
    "make_up_deferral": "补交年度考核",
    "merge_unit": "合并单位",
    "move_seat": "调整座位",
    "move_unit": "调整隶属关系",
    "overturn_application": "改变审查结论",
    "pledge_deferral": "承诺容缺后补",
    "raise_false_materials": "提出虚假材料",
    "receive_originals": "接收原件",
    "receive_report": "接收报表",
    "record_incident": "登记考点事件",
    "record_training": "登记培训",
    "refuse_password": "不予重置密码",
    "refuse_sheet": "退回登记表",
    "refuse_unit_name": "退回名称核对",
    "register_applicant": "注册",
    "release_results": "公布结果",
    "remove_exam_room": "删除考场",
    "remove_exam_sitting": "删除场次",
    "remove_from_roster": "移出名单",
    "remove_from_training": "移出培训",
    "remove_material": "删除材料",
    "remove_seat": "取消座位",
    "remove_training_class": "删除培训班",
    "remove_visit_slot": "删除预约时段",
    "renew_password": "重新发放密码",
    "replace_material": "更换材料",
    "reroute_unit": "调整审查机构",
    "reset_second_factor": "重置动态码",
    "resubmit_application": "重新提交申报",
    "return_originals": "退还原件",
    "return_report": "退回报表",
    "rotate_keys": "更换数据密钥",
    "rotate_master_key": "更换主密钥",
    "save_exam_room": "设置考场",
    "save_exam_site": "设置考点",
    "save_exam_sitting": "设置场次",
    "save_review": "保存审查意见",
    "save_step": "填写申报",
    "save_training_class": "设置培训班",
    "seat_people": "编排考场",
    "second_factor_failed": "动态码有误",
    "send_report": "上报汇总",
    "set_special_needs": "登记特殊需要",
    "set_visit_series": "批量设置预约时段",
    "set_visit_slot": "设置预约时段",
    "sign_in": "登录",
    "sign_in_failed": "登录失败",
    "start_application": "开始申报",
    "state_on_false_materials": "陈述申辩",
    "submit_application": "提交申报",
    "switch_taken_over": "设置承接",
    "take_in_unit": "并入单位",
    "take_over_review": "接手审查",
    "undo_receipt": "撤销接收",
    "upload_material": "上传材料",
    "waive_statement": "记录未陈述",
    "withdraw_application": "撤回申报",
    "withdraw_filing": "撤回报备",
}
