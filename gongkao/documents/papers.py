"""The papers: for each a plain record of what stands on it, and one function that makes the PDF.

Nothing here looks anything up: a service fills the record, so a paper can be made, tested and looked at by itself.
Every function raises CharacterMissing where a text holds a character that no installed face can draw.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from gongkao.documents.pattern import Pattern, Unfit
from gongkao.documents.render import fill_template, render
from gongkao.documents.text import OnePerson, chinese_date

REGISTRATION_SHEET_TITLE = "河南省机关事业单位工勤技能岗位等级考核网上报名管理人员信息登记表"
APPLICATION_FORM_TITLE = "河南省机关事业单位工勤技能岗位等级考核申报表"
RESULT_NOTICE_TITLE = "河南省机关事业单位工勤技能岗位等级考核结果通知"

# What stands in a pattern's places: characters of the cut faces that no fixed text has.
MARKERS = frozenset(
    "喆昇堃淼犇祎珺玥玘瑄垚翀翾甦晟璟琚琨烜炘煊燊鑫瀚滢滕溱潆淏湉洺泓泠浠澍濛灏玮珏珩珞珣珵琎琬琰瑀瑒瑢瑧璁璇"
)
# Every character that a verification code can have, as it is printed.
CODE_CHARACTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789-"


@dataclass(frozen=True)
class RegistrationSheetPaper:
    """The registration sheet of an administrator (the notice's attachment). Left empty, it is the blank form.

    Attributes:
        sheet_number: printed small at the foot, with its QR code; empty on the blank form.
    """

    unit_name: str = ""
    filler: str = ""
    filled_on: date | None = None
    name: str = ""
    sex: str = ""
    department: str = ""
    position: str = ""
    office_phone: str = ""
    mobile: str = ""
    sheet_number: str = ""


def registration_sheet(paper: RegistrationSheetPaper) -> bytes:
    """The registration sheet, laid out as the notice's attachment (section 三（一）), one page, ready to stamp."""
    return render("registration_sheet.html", {"paper": paper}, title=REGISTRATION_SHEET_TITLE)


@dataclass(frozen=True)
class PasswordSlipPaper:
    """An administrator's account and one-time password, to be handed over on paper.

    Attributes:
        sign_in_address: the address to type into the browser.
        valid_until: the last day on which the one-time password works; None where it does not run out.
    """

    unit_name: str
    administrator_name: str
    account_name: str
    one_time_password: str
    issued_by: str
    issued_on: date
    sign_in_address: str
    valid_until: date | None = None


def password_slip(paper: PasswordSlipPaper) -> bytes:
    """The slip, on the upper half of an A4 page above a line to cut along."""
    return render("password_slip.html", {"paper": paper}, title="网上报名管理账户及密码领取单")


@dataclass(frozen=True)
class EarlierCertificateLines:
    """The certificate an application builds on, each part as it is to be printed."""

    grade: str
    trade: str
    number: str
    issued_on: str
    issuer: str


@dataclass(frozen=True)
class ApplicationFormPaper:
    """One application, for the applicant's own copy and the file: the only paper with the identity number whole.

    Attributes:
        photo: a JPEG picture; None leaves the place for one.
        staff_kind: 在岗正式工作人员 or 其他聘用工作人员.
        work: (from, to, unit, post) in order of time, each as text.
        assessments: (year, outcome), each as text.
        materials: (label, number of files).
        submitted: a form that is not submitted says on every page that it is a draft.
        status_text: where the application stands, e.g. 主管单位审核.
    """

    cycle_year: int
    application_number: str
    submitted: bool
    status_text: str
    name: str
    sex: str = ""
    born: str = ""
    identity_number: str = ""
    mobile: str = ""
    education: str = ""
    unit_name: str = ""
    supervising_unit_name: str = ""
    department: str = ""
    post: str = ""
    staff_kind: str = ""
    work_started: str = ""
    trade: str = ""
    grade: str = ""
    trade_changed: bool = False
    trade_change_reason: str = ""
    certificate: EarlierCertificateLines | None = None
    work: tuple[tuple[str, str, str, str], ...] = ()
    assessments: tuple[tuple[str, str], ...] = ()
    materials: tuple[tuple[str, int], ...] = ()
    photo: bytes | None = None
    submitted_on: date | None = None


def application_form(paper: ApplicationFormPaper) -> bytes:
    """The application form, with the boxes for the opinions of the unit, the supervising department and the agency."""
    photo = f"data:image/jpeg;base64,{b64encode(paper.photo).decode()}" if paper.photo else None
    return render("application_form.html", {"paper": paper, "photo": photo}, title=APPLICATION_FORM_TITLE)


@dataclass(frozen=True)
class SubjectScore:
    """One subject on a result notice, as text; `score` is 缺考 where the person was absent."""

    subject: str
    full_mark: str
    pass_mark: str
    score: str
    passed: bool


@dataclass(frozen=True)
class ResultNoticePaper(OnePerson):
    """One person's result.

    Attributes:
        verify_url: the address at which anyone can check the notice; goes into the QR code.
        next_steps: sentences below the conclusion; empty takes the usual ones.
    """

    cycle_year: int
    notice_number: str
    trade: str
    grade: str
    scores: tuple[SubjectScore, ...]
    passed: bool
    agency_name: str
    issued_on: date
    verification_code: str
    verify_url: str
    next_steps: tuple[str, ...] = ()


def result_notices(papers: Sequence[ResultNoticePaper]) -> bytes:
    """Result notices in one file, each on a page of its own."""
    if len(papers) == 1:
        return result_notice(papers[0])
    return render(
        "result_notices.html", {"papers": [notice_texts(paper) for paper in papers]}, title=RESULT_NOTICE_TITLE
    )


def result_notice(paper: ResultNoticePaper) -> bytes:
    """One result notice, alone or among thousands the same: filled into its pattern where that is possible."""
    texts = notice_texts(paper)
    pattern = _notice_pattern(texts.year, len(texts.scores), texts.next_steps, len(texts.url))
    made = pattern.fill(texts.fields(), texts.url) if pattern else None
    return made or render("result_notices.html", {"papers": [texts]}, title=RESULT_NOTICE_TITLE)


@dataclass(frozen=True)
class NoticeTexts:
    """A result notice as the texts on it; a line of `scores` is subject, full mark, pass mark, mark, verdict."""

    year: str
    next_steps: tuple[str, ...]
    number: str
    name: str
    unit: str
    identity: str
    grade: str
    trade: str
    scores: tuple[tuple[str, str, str, str, str], ...]
    conclusion: str
    agency: str
    day: str
    code: str
    url: str

    def fields(self) -> list[str]:
        """What differs from person to person; the rest decides on the pattern."""
        alone = (self.number, self.name, self.unit, self.identity, self.grade, self.trade)
        marks = [text for line in self.scores for text in line]
        return [*alone, *marks, self.conclusion, self.agency, self.day, self.code, self.url]


def notice_texts(paper: ResultNoticePaper) -> NoticeTexts:
    """The notice as its template takes it."""
    usual = _AFTER_PASSING if paper.passed else _AFTER_FAILING
    return NoticeTexts(
        year=str(paper.cycle_year),
        next_steps=paper.next_steps or usual,
        number=paper.notice_number,
        name=paper.name,
        unit=paper.unit_name,
        identity=paper.masked_identity_number,
        grade=paper.grade,
        trade=paper.trade,
        scores=tuple(
            (line.subject, line.full_mark, line.pass_mark, line.score, _verdict(line.passed)) for line in paper.scores
        ),
        conclusion=_verdict(paper.passed),
        agency=paper.agency_name,
        day=chinese_date(paper.issued_on),
        code=paper.verification_code,
        url=paper.verify_url,
    )


_AFTER_PASSING = (
    "合格人员名单由工考管理机构另行发文公布，证书办理后由所在单位统一领取。岗位聘用按照本单位岗位空缺情况和有关规定执行。",
)
_AFTER_FAILING = (
    "您可以在以后考核年度符合申报条件时重新申报。对成绩有疑问的，请通过所在单位人事部门向工考管理机构提出。",
)


def _verdict(passed: bool) -> str:
    return "合格" if passed else "不合格"


@lru_cache(maxsize=32)
def _notice_pattern(year: str, subjects: int, next_steps: tuple[str, ...], url_length: int) -> Pattern | None:
    """The notice laid out with a marker in each place; None where it cannot be filled in.

    Two faces are embedded as the pattern leaves them, so the conclusion and the code stand there with every character
    that they can have.
    """
    chosen = iter(sorted(MARKERS - set("".join(next_steps))))
    marks = tuple((next(chosen), next(chosen), next(chosen), next(chosen), next(chosen)) for _ in range(subjects))
    url = "x" * url_length
    number, name, unit, identity, grade, trade, agency, day = (next(chosen) for _ in range(8))
    texts = NoticeTexts(
        year=year,
        next_steps=next_steps,
        number=number,
        name=name,
        unit=unit,
        identity=identity,
        grade=grade,
        trade=trade,
        scores=marks,
        conclusion="不合格",
        agency=agency,
        day=day,
        code=CODE_CHARACTERS,
        url=url,
    )
    html = fill_template("result_notices.html", {"papers": [texts]}, title=RESULT_NOTICE_TITLE)
    try:
        return Pattern(html, texts.fields(), url)
    except Unfit:
        return None


@dataclass(frozen=True)
class PassedPerson(OnePerson):
    """One line of the list of those who passed."""

    trade: str
    grade: str


@dataclass(frozen=True)
class NoticeOfPassesPaper:
    """The notice of those who passed, an official paper in the form of GB/T 9704, with the list as its annex.

    Attributes:
        document_number: e.g. 豫工考〔2025〕8号.
        addressee: e.g. 各县（市、区）人力资源和社会保障局，市直有关单位; the colon is added.
        title: empty takes 关于公布{cycle_year}年机关事业单位工勤技能岗位等级考核合格人员的通知.
        paragraphs: the body; empty takes the usual one.
        agency_heading: the red heading, where it differs from the agency's name.
    """

    cycle_year: int
    agency_name: str
    document_number: str
    addressee: str
    issued_on: date
    people: tuple[PassedPerson, ...]
    title: str = ""
    paragraphs: tuple[str, ...] = ()
    agency_heading: str = ""


def notice_of_passes(paper: NoticeOfPassesPaper) -> bytes:
    """The notice of passes with its annex; the list may run to thousands of lines."""
    title = paper.title or f"关于公布{paper.cycle_year}年机关事业单位工勤技能岗位等级考核合格人员的通知"
    paragraphs = paper.paragraphs or (
        f"根据《关于做好{paper.cycle_year}年全省机关事业单位工勤技能岗位等级考核考务工作的通知》要求，"
        f"经个人申报、单位审核、资格审查和考核，{_people_phrase(paper.people)}"
        f"{paper.cycle_year}年机关事业单位工勤技能岗位等级考核合格，现予公布。",
        "请各有关单位将本通知及时告知合格人员本人，并按照有关政策规定做好证书领取、岗位聘用和材料归档工作。",
    )
    name_right, date_right = _signature_places(paper.agency_name, chinese_date(paper.issued_on))
    context = {
        "paper": paper,
        "heading": paper.agency_heading or paper.agency_name,
        "title_text": title,
        "paragraphs": paragraphs,
        "name_right": name_right,
        "date_right": date_right,
    }
    return render("notice_of_passes.html", context, title=title)


def _people_phrase(people: tuple[PassedPerson, ...]) -> str:
    if len(people) == 1:
        return f"{people[0].name}同志"
    return f"{people[0].name}等{len(people)}名同志" if people else ""


def _signature_places(agency_name: str, day: str) -> tuple[float, float]:
    """How far the name and the date stand from the right edge, in characters (GB/T 9704, 7.3.5.1).

    The date stands four characters from the edge and the name is centred over it; where the name is so long that it
    would leave the text block, the name stands at the edge and the date is centred below it.
    """
    digit = 0.55
    date_width = sum(digit if character.isdigit() else 1 for character in day)
    date_right = max(4.0, (len(agency_name) - date_width) / 2)
    return round(max(0.0, date_right - (len(agency_name) - date_width) / 2), 2), round(date_right, 2)


@dataclass(frozen=True)
class DeferralPledgePaper(OnePerson):
    """The pledge to make up a missing yearly assessment (容缺后补承诺书, notice 二（四）).

    Attributes:
        years: e.g. 2024年度, each assessment that is not yet filed.
        due_on: the last day for making it up.
    """

    cycle_year: int
    application_number: str
    years: tuple[str, ...]
    due_on: date
    pledged_on: date


def deferral_pledge(paper: DeferralPledgePaper) -> bytes:
    """The pledge, one page, with places for the applicant's signature and the unit's opinion and seal."""
    return render("deferral_pledge.html", {"paper": paper}, title="年度考核结果容缺后补承诺书")


@dataclass(frozen=True)
class VisitPerson(OnePerson):
    """One person of a visit; `documents` are (label, pieces) of the originals concerned, `codes` what is
    scanned for each, `note` stands below them."""

    trade: str
    grade: str
    documents: tuple[tuple[str, int], ...]
    note: str = ""
    codes: tuple[str, ...] = ()

    @property
    def pieces(self) -> int:
        return sum(count for _, count in self.documents)


@dataclass(frozen=True)
class VisitPaper:
    """One unit's visit for on-site confirmation (现场审查确认, notice 二（二）).

    Attributes:
        number: the visit's number, also in the QR code that the agency scans.
        time_text: the booked time, e.g. 2025-03-24 09:00-10:30; empty where none is booked.
        people: with the originals to bring, or those that were taken in.
        printed_on: the day on the paper.
    """

    cycle_year: int
    number: str
    unit_name: str
    agency_name: str
    bearer_name: str
    bearer_mobile: str
    time_text: str
    place: str
    people: tuple[VisitPerson, ...]
    printed_on: date

    @property
    def pieces(self) -> int:
        return sum(person.pieces for person in self.people)


def visit_list(paper: VisitPaper) -> bytes:
    """The list of people and the originals to bring, for the unit to stamp and bring along."""
    return render("visit_list.html", {"paper": paper}, title="现场审查确认人员名单")


def receipt(paper: VisitPaper) -> bytes:
    """The receipt of originals taken in (接收清单), once for the agency and once for the unit."""
    copies = ("第一联　工考管理机构留存", "第二联　送件单位留存")
    return render("receipt.html", {"paper": paper, "copies": copies}, title="申报材料原件接收清单")


def return_slip(paper: VisitPaper) -> bytes:
    """The slip of originals given back (退还清单), once for each side, to be signed by who takes them."""
    copies = ("第一联　工考管理机构留存", "第二联　送件单位留存")
    return render("return_slip.html", {"paper": paper, "copies": copies}, title="申报材料原件退还清单")


@dataclass(frozen=True)
class CaseNoticePaper(OnePerson):
    """One notice of a decision on false materials (notice 四（四）).

    Attributes:
        kind: cancellation (取消申报资格), ban (禁止申报) or lifting (撤销处理决定).
        number: that of the case; all its notices bear it.
        basis: the number of the cycle's notice, e.g. 豫人社函〔2025〕21号.
        decision: the facts and reasons as decided, `decided_on` by `decided_by`.
        stated: whether the person's statement was on file; else `waived` says why not.
        revoked: something won is revoked and called in.
        appeal: what the appeal brought out; `restored` whether the application is judged anew.
    """

    kind: str
    title: str
    number: str
    cycle_year: int
    basis: str
    trade: str
    grade: str
    application_number: str
    decided_on: date
    decided_by: str
    decision: str
    stated: bool
    waived: str
    ban_years: int
    begins_on: date
    ends_on: date
    revoked: bool
    appeal: str
    restored: bool
    issued_by: str
    issued_on: date


def case_notice(paper: CaseNoticePaper) -> bytes:
    """The notice, with room for the seal over the agency's name and a line to sign for its receipt."""
    years = "一两三四五六七八九"[paper.ban_years - 1] if paper.ban_years <= 9 else str(paper.ban_years)
    return render("case_notice.html", {"paper": paper, "years": years}, title=paper.title)


@dataclass(frozen=True)
class UpwardReportPaper:
    """A county's or city's report of its registration (汇总上报, notice 三（三）), to be signed and stamped.

    Attributes:
        addressee: the agency it goes to.
        as_of: the moment the figures were taken, as text.
        headings: of the counts; every line has as many.
        by_agency: (agency, counts) of the parts of a city's sum; empty for a county.
        missing: agencies below that have not reported.
    """

    cycle_year: int
    number: str
    agency_name: str
    addressee: str
    as_of: str
    headings: tuple[str, ...]
    by_grade: tuple[tuple[str, tuple[int, ...]], ...]
    by_trade: tuple[tuple[str, tuple[int, ...]], ...]
    by_unit: tuple[tuple[str, tuple[int, ...]], ...]
    total: tuple[int, ...]
    by_agency: tuple[tuple[str, tuple[int, ...]], ...] = ()
    missing: tuple[str, ...] = ()
    phone: str = ""


def upward_report(paper: UpwardReportPaper) -> bytes:
    """The report's tables on A4 across, the signatures and the seal's place at its end."""
    title = f"{paper.cycle_year}年机关事业单位工勤技能岗位等级考核报名信息汇总表"
    tables = [
        ("按等级", "等级", paper.by_grade),
        ("按机构", "机构", paper.by_agency),
        ("按工种", "工种", paper.by_trade),
        ("按单位", "单位", paper.by_unit),
    ]
    chosen = [(name, head, lines) for name, head, lines in tables if lines or name != "按机构"]
    return render("upward_report.html", {"paper": paper, "tables": chosen}, title=title)
