"""1,000 different result notices, each its own file: the product's batch on two processes, against the usual ways.

The first line's baseline is WeasyPrint with the packaged Noto Serif CJK SC, one notice after another; the second's is
typst with a warm compiler and the same page. Both are measured on a sample, in the same run on the same machine.
"""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from urllib.parse import unquote

import typst
from jinja2 import Environment
from weasyprint import HTML

from bench import Measurement
from gongkao.documents import fonts, papers
from gongkao.documents.batch import Press
from gongkao.documents.papers import RESULT_NOTICE_TITLE, ResultNoticePaper, SubjectScore
from gongkao.documents.render import TEMPLATES
from gongkao.documents.text import qr_code

_NOTICES = 1000
_SAMPLE = 60
_PROCESSES = 2
_ROUNDS = 3
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = "听雨晓川建国志强秀英文清书云安平春华明月海棠青山远航若溪子墨雪松景行嘉禾怀瑾思齐"
_RARE = "𠅤𬭊㛃䶮𫖯𬀩𪩘"
_UNITS = ("中牟县云溪水务局", "郑州市长河中心", "巩义市远山学校", "开封市汴河闸管理所", "中牟县晴川局机关后勤服务站")
_LONG_UNIT = "中牟县晴川镇第三初级中学附属幼儿园后勤服务保障中心（原教育体育局后勤管理站）"
_TRADES = ("汽车驾驶员", "中式烹调师", "计算机操作员", "图书资料管理员", "空调与制冷设备维修工")
_GRADES = ("五级（初级工）", "四级（中级工）", "三级（高级工）", "二级（技师）")
_CODE = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def measure() -> Iterator[Measurement]:
    chance = random.Random(2025)
    notices = [_notice(chance, serial) for serial in range(_NOTICES)]
    with Press(_PROCESSES) as press:
        # Warm, as in the worker, which keeps its processes between batches.
        for _ in press.make(papers.result_notice, notices[: 8 * _PROCESSES], 4):
            pass
        value = min(_each(lambda: press.make(papers.result_notice, notices), _NOTICES) for _ in range(_ROUNDS))
    # In kilobytes on Linux: the process that hands out, and as many as make of the largest of them.
    own, largest = (
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"Peak memory of all processes: at most {own + _PROCESSES * largest:.0f} MB", file=sys.stderr)
    sample = chance.sample(notices, _SAMPLE)
    usual = min(_each(lambda: _with_weasyprint(sample), _SAMPLE) for _ in range(_ROUNDS))
    yield Measurement("pdf", value, "ms", usual, _NOTICES)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "notice.typ"
        source.write_text(_TYPST, encoding="utf-8")
        compiler = typst.Compiler(source, font_paths=[str(fonts.FONT_DIRECTORY)])
        other = min(_each(lambda: _with_typst(compiler, sample), _SAMPLE) for _ in range(_ROUNDS))
    yield Measurement("pdf_typst", value, "ms", other, _NOTICES)


def _each(make: Callable[[], Iterator[bytes]], count: int) -> float:
    """Milliseconds for each notice, by the clock on the wall."""
    start = time.perf_counter()
    made = sum(1 for data in make() if data[:5] == b"%PDF-")
    assert made == count
    return (time.perf_counter() - start) / count * 1000


def _notice(chance: random.Random, serial: int) -> ResultNoticePaper:
    """Somebody as they come: one in a hundred with a rare character, one in fifty of a unit with a long name."""
    name = chance.choice(_SURNAMES) + "".join(chance.choices(_GIVEN, k=chance.choice((1, 2, 2))))
    if serial % 100 == 50:
        name = name[0] + chance.choice(_RARE)
    marks = [chance.choice((None, *range(45, 101))) for _ in range(3)]
    scores = tuple(
        SubjectScore(subject, "100", "60", "缺考" if mark is None else str(mark), mark is not None and mark >= 60)
        for subject, mark in zip(("岗位技能", "职业道德", "职业能力"), marks, strict=True)
    )
    code = "".join(chance.choices(_CODE, k=12))
    return ResultNoticePaper(
        cycle_year=2025,
        notice_number=f"20254101224{serial:05d}",
        name=name,
        masked_identity_number=f"410122********{chance.randrange(10_000):04d}",
        unit_name=_LONG_UNIT if serial % 50 == 25 else chance.choice(_UNITS),
        trade=chance.choice(_TRADES),
        grade=chance.choice(_GRADES),
        scores=scores,
        passed=all(line.passed for line in scores),
        agency_name="中牟县工考管理机构",
        issued_on=date(2025, 11, 3),
        verification_code=f"{code[:4]}-{code[4:8]}-{code[8:]}",
        verify_url=f"http://127.0.0.1:8000/verify/{code}",
    )


def _with_weasyprint(notices: Sequence[ResultNoticePaper]) -> Iterator[bytes]:
    """The same template as anybody would use it: the packaged face, one call a notice."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["qr_code"] = qr_code
    base = (TEMPLATES / "base.html").read_text(encoding="utf-8")
    page = (TEMPLATES / "result_notices.html").read_text(encoding="utf-8")
    style, _, body = page.partition("{% endblock %}")
    style = style.partition("{% block style %}")[2]
    body = body.partition("{% block paper %}")[2].rpartition("{% endblock %}")[0]
    shared = (TEMPLATES / "papers.css").read_text(encoding="utf-8")
    faces = ':root { --song: "Noto Serif CJK SC"; --hei: "Noto Sans CJK SC"; --mono: "LXGW WenKai Mono"; }'
    whole = base.replace("{% block style %}{% endblock %}", f"{faces}{shared}{style}").replace(
        "{% block paper %}{% endblock %}", body
    )
    template = environment.from_string(whole)
    for notice in notices:
        html = template.render(papers=[papers.notice_texts(notice)], title=RESULT_NOTICE_TITLE)
        yield HTML(string=html).write_pdf()


def _with_typst(compiler: typst.Compiler, notices: Sequence[ResultNoticePaper]) -> Iterator[bytes]:
    """The same page in typst, with the small faces, which are the quickest for it too; the best round is warm."""
    for notice in notices:
        yield compiler.compile(format="pdf", sys_inputs=_typst_inputs(notice))


def _typst_inputs(notice: ResultNoticePaper) -> dict[str, str]:
    texts = papers.notice_texts(notice)
    lines = {f"score{row}": "|".join(line) for row, line in enumerate(texts.scores)}
    names = ("number", "name", "unit", "identity", "grade", "trade", "conclusion", "agency", "day", "code", "url")
    picture = unquote(qr_code(texts.url).partition(",")[2])
    return {**{name: getattr(texts, name) for name in names}, **lines, "after": texts.next_steps[0], "qr": picture}


_TYPST = """
#let it = sys.inputs
#set document(title: "河南省机关事业单位工勤技能岗位等级考核结果通知")
#set text(font: ("Gongkao Song", "Noto Serif CJK SC", "BabelStone Han", "HanaMinB"), lang: "zh", size: 14pt)
#set page(paper: "a4", margin: (top: 25mm, right: 26mm, bottom: 36mm, left: 28mm), footer: {
  line(length: 100%, stroke: 0.5pt)
  grid(columns: (1fr, 18mm), text(8.5pt)[校验码：#text(font: "Gongkao Mono", weight: 700, size: 11pt, it.code) \\
    扫描右侧二维码，或者打开以下网址，可核对本通知的真伪： \\ #it.url], image(bytes(it.qr), format: "svg", width: 18mm))
})
#set par(justify: true, leading: 0.75em)
#align(center, text(21pt, weight: 700)[河南省机关事业单位工勤技能岗位等级 \\ 考核结果通知])
#align(right, text(11pt)[编号：#it.number])
#it.name;同志：

#h(2em)您参加2025年机关事业单位工勤技能岗位等级考核，结果如下：

#let hei(body) = text(font: "Gongkao Hei", weight: 700, body)
#set table(stroke: 0.6pt, align: center + horizon)
#text(12.5pt, table(columns: (30mm, 54mm, 26mm, 46mm), rows: 12mm,
  [工作单位], table.cell(colspan: 3, it.unit), [身份证号], it.identity, [申报等级], it.grade,
  [申报工种], table.cell(colspan: 3, it.trade)))
#text(12.5pt, table(columns: (30mm, 30mm, 30mm, 33mm, 33mm), rows: 12mm,
  hei[科　目], hei[满　分], hei[合格线], hei[成　绩], hei[结　论],
  ..it.score0.split("|"), ..it.score1.split("|"), ..it.score2.split("|"),
  [考核结论], table.cell(colspan: 4, text(17pt, tracking: 3pt, hei(it.conclusion)))))
#h(2em)#it.after
#v(12mm)
#align(right, box(width: 104mm, align(center)[#it.agency \\ #it.day]))
"""
