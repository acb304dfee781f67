"""Papers with ordinary contents and with the longest ones; the people and offices are made up."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from gongkao.documents import papers, review_papers
from gongkao.documents.papers import (
    ApplicationFormPaper,
    CaseNoticePaper,
    EarlierCertificateLines,
    NoticeOfPassesPaper,
    PassedPerson,
    PasswordSlipPaper,
    RegistrationSheetPaper,
    ResultNoticePaper,
    SubjectScore,
    VisitPaper,
    VisitPerson,
)
from gongkao.documents.review_papers import DeferralNoticePaper, ReviewResultPaper
from tests.factories import jpeg

MASKED = "410122********0212"
# As long as the rules let them be: 60 and 30 characters.
LONG_UNIT = (
    "河南省晴川市云溪县远山镇第三初级中学附属幼儿园后勤服务保障中心（原晴川市云溪县教育体育局后勤管理站车队）郑州工作处"
)
LONG_NAME = "阿卜杜热西提·买买提吐尔逊·穆罕默德江·阿卜杜拉·热合曼"

SHEET = RegistrationSheetPaper(
    unit_name="中牟县晴川局",
    filler="管一",
    filled_on=date(2025, 3, 11),
    name="管二",
    sex="女",
    department="人事科",
    position="科员",
    office_phone="0371-62181234",
    mobile="13800000000",
    sheet_number="DJ2025000001",
)
SLIP = PasswordSlipPaper(
    unit_name="中牟县晴川局",
    administrator_name="管二",
    account_name="dw410122001",
    one_time_password="Kx7mPq2WvR9t",
    issued_by="中牟县工考管理机构",
    issued_on=date(2025, 3, 11),
    sign_in_address="http://gongkao.example",
    valid_until=date(2025, 3, 18),
)
FORM = ApplicationFormPaper(
    cycle_year=2025,
    application_number="20250000017",
    submitted=True,
    status_text="主管单位审核",
    name="孟听雨",
    sex="男",
    born="1985-06",
    identity_number="410122198506120212",
    mobile="13800000000",
    education="高中",
    unit_name="中牟县晴川学校",
    supervising_unit_name="中牟县晴川局",
    department="后勤科",
    post="驾驶岗",
    staff_kind="在岗正式工作人员",
    work_started="2004-07-01",
    trade="汽车驾驶员",
    grade="四级（中级工）",
    certificate=EarlierCertificateLines(
        "五级（初级工）", "汽车驾驶员", "1641000000500001", "2015-12-01", "河南省人力资源和社会保障厅"
    ),
    work=(("2004-07", "2010-02", "中牟县云溪站", "驾驶岗"), ("2010-03", "至今", "中牟县晴川学校", "驾驶岗")),
    assessments=(("2024", "合格"), ("2023", "合格"), ("2022", "优秀")),
    materials=(("身份证", 1), ("照片", 1), ("原等级证书", 1)),
    photo=jpeg(295, 413),
    submitted_on=date(2025, 3, 20),
)
RESULT = ResultNoticePaper(
    cycle_year=2025,
    notice_number="2025410122400001",
    name="孟听雨",
    masked_identity_number=MASKED,
    unit_name="中牟县晴川学校",
    trade="汽车驾驶员",
    grade="四级（中级工）",
    scores=(
        SubjectScore("岗位技能", "100", "60", "85.5", True),
        SubjectScore("职业道德", "100", "60", "90", True),
        SubjectScore("职业能力", "100", "60", "缺考", False),
    ),
    passed=False,
    agency_name="中牟县工考管理机构",
    issued_on=date(2025, 11, 3),
    verification_code="ABCD-EFGH-JKMN",
    verify_url="http://gongkao.example/verify/ABCDEFGHJKMN",
)


def person(serial: int, **changes: str) -> PassedPerson:
    return replace(PassedPerson("孟听雨", MASKED, "中牟县晴川学校", "汽车驾驶员", "一级（高级技师）"), **changes)


PASSES = NoticeOfPassesPaper(
    cycle_year=2025,
    agency_name="中牟县工考管理机构",
    document_number="牟人社〔2025〕12号",
    addressee="各有关单位",
    issued_on=date(2025, 11, 3),
    people=(person(1), person(2, name="祝晓川", unit_name=LONG_UNIT, trade="空调与制冷设备维修工")),
)

VISIT = VisitPaper(
    cycle_year=2025,
    number="2025000012",
    unit_name=LONG_UNIT,
    agency_name="中牟县工考管理机构",
    bearer_name="管一鸣",
    bearer_mobile="13800000001",
    time_text="2025-03-24 09:00-10:30",
    place="政务服务中心二楼201室",
    people=tuple(
        VisitPerson(
            name,
            MASKED,
            unit,
            "空调与制冷设备维修工",
            "四级",
            (("身份证", 1), ("岗位聘用材料", 2), ("原等级证书", 1)),
            codes=("2025000012-7-1", "2025000012-7-3", "2025000012-7-5"),
        )
        for name, unit in (("孟听雨", "中牟县晴川学校"), (LONG_NAME, LONG_UNIT))
    ),
    printed_on=date(2025, 3, 20),
)

CASE = CaseNoticePaper(
    kind="cancellation",
    title="取消申报资格通知书",
    number="XJ2025000012",
    cycle_year=2025,
    basis="豫人社函〔2025〕21号",
    name="孟听雨",
    masked_identity_number=MASKED,
    unit_name=LONG_UNIT,
    trade="空调与制冷设备维修工",
    grade="一级（高级技师）",
    application_number="20250000017",
    decided_on=date(2025, 4, 8),
    decided_by="中牟县工考管理机构",
    decision="所交证书的编号与发证机关存根不符，经核实该编号证书的持有人不是申报人本人。",
    stated=True,
    waived="",
    ban_years=2,
    begins_on=date(2025, 4, 8),
    ends_on=date(2027, 4, 7),
    revoked=True,
    appeal="发证机关补充证明证书系换发，原认定依据不足。",
    restored=True,
    issued_by="中牟县工考管理机构",
    issued_on=date(2025, 4, 8),
)

REVIEW_RESULT = ReviewResultPaper(
    cycle_year=2025,
    application_number="20250000017",
    name="孟听雨",
    masked_identity_number=MASKED,
    unit_name=LONG_UNIT,
    trade="空调与制冷设备维修工",
    grade="一级（高级技师）",
    passed=False,
    reason="工作年限不足。",
    reasons=(("工作经历", "与人事档案不符，档案记载自2012年起在该岗位工作。"), ("原等级证书", "编号查不到。")),
    office_name="中牟县工考管理机构",
    decided_on=date(2025, 4, 8),
)
DEFERRAL_NOTICE = DeferralNoticePaper(
    outcome="failed",
    cycle_year=2025,
    basis="豫人社函〔2025〕21号",
    application_number="20250000017",
    name="孟听雨",
    masked_identity_number=MASKED,
    unit_name=LONG_UNIT,
    trade="空调与制冷设备维修工",
    grade="四级（中级工）",
    years=("2024年度", "2023年度"),
    due_on=date(2025, 6, 30),
    reason="补充上传的资料不符合申报要求：备案表没有组织人事部门盖章。",
    office_name="中牟县工考管理机构",
    decided_on=date(2025, 6, 20),
)

# Every paper: how it is made, and how many pages it has.
ALL: dict[str, tuple[Callable[[], bytes], int]] = {
    "blank registration sheet": (lambda: papers.registration_sheet(RegistrationSheetPaper()), 1),
    "registration sheet": (lambda: papers.registration_sheet(SHEET), 1),
    "password slip": (lambda: papers.password_slip(SLIP), 1),
    "application form": (lambda: papers.application_form(FORM), 2),
    "result notice": (lambda: papers.result_notices([RESULT]), 1),
    "result notices": (lambda: papers.result_notices([RESULT, replace(RESULT, name="祝晓川")]), 2),
    "notice of passes": (lambda: papers.notice_of_passes(PASSES), 3),
    "visit list": (lambda: papers.visit_list(VISIT), 1),
    "receipt of originals": (lambda: papers.receipt(VISIT), 2),
    "return slip": (lambda: papers.return_slip(VISIT), 2),
    "review refused": (lambda: review_papers.review_result(REVIEW_RESULT), 1),
    "review passed": (lambda: review_papers.review_result(replace(REVIEW_RESULT, passed=True, reasons=())), 1),
    "deferral agreed to": (lambda: review_papers.deferral_notice(replace(DEFERRAL_NOTICE, outcome="agreed")), 1),
    "deferral failed": (lambda: review_papers.deferral_notice(DEFERRAL_NOTICE), 1),
    "cancellation": (lambda: papers.case_notice(CASE), 1),
    "ban": (lambda: papers.case_notice(replace(CASE, kind="ban", title="禁止申报通知书")), 1),
    "lifting": (lambda: papers.case_notice(replace(CASE, kind="lifting", title="撤销处理决定通知书")), 1),
}
