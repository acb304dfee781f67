"""What imports from spreadsheets share: rows by their columns' names, and what is wrong in which cell."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from gongkao.services.errors import FieldsRefused
from gongkao.storage.spreadsheets import read_table
from gongkao.storage.uploads import UploadRefused

SEARCHED_ROWS = 5


@dataclass(frozen=True)
class RowError:
    """`number` is the row's number in the file, `column` the heading, `value` what stands there."""

    number: int
    column: str
    value: str
    reason: str


class Planned(Protocol):
    """A good row and what it would do: 新增, 修改 or 无变化."""

    @property
    def effect(self) -> str: ...


Row = TypeVar("Row", bound=Planned)


@dataclass
class Preview(Generic[Row]):
    """What importing a file would do, by the hash under which it is kept. Only without errors may it be committed."""

    digest: str
    filename: str
    rows: list[Row] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    total: int = 0

    def count(self, effect: str) -> int:
        return sum(row.effect == effect for row in self.rows)


@dataclass(frozen=True)
class Table:
    """The filled rows below the headings: (number in the file, text by heading)."""

    rows: Sequence[tuple[int, dict[str, str]]]


def read_table_rows(data: bytes, filename: str, *, needed: Sequence[str], optional: Sequence[str] = ()) -> Table:
    """Read a table by its headings, in any order, above which a title may stand.

    Raises FieldsRefused (field "file") where the file cannot be read, lacks a column or holds no rows.
    """
    try:
        lines = read_table(data, filename)
    except UploadRefused as error:
        raise FieldsRefused({"file": error.message}) from error
    top, heads = _headings(lines, needed)
    missing = [name for name in needed if name not in heads]
    if missing:
        raise FieldsRefused({"file": f"表格缺少“{'”“'.join(missing)}”列。请下载模板，按模板的列名填写后重新上传。"})
    doubled = sorted({name for name in (*needed, *optional) if heads.count(name) > 1})
    if doubled:
        raise FieldsRefused({"file": f"“{'”“'.join(doubled)}”列出现了两次，请删除多余的列后重新上传。"})
    places = {name: heads.index(name) for name in (*needed, *optional) if name in heads}
    rows = []
    for number, line in enumerate(lines[top + 1 :], start=top + 2):
        row = {name: line[places[name]] if name in places else "" for name in (*needed, *optional)}
        if any(row.values()):
            rows.append((number, row))
    if not rows:
        raise FieldsRefused({"file": "表格中只有列名，没有可导入的内容。请填写后重新上传。"})
    return Table(rows)


def _headings(lines: Sequence[Sequence[str]], needed: Sequence[str]) -> tuple[int, list[str]]:
    """The first line that bears the most of the needed headings, with its place counted from 0."""
    found = [["".join(cell.split()).strip("*＊") for cell in line] for line in lines[:SEARCHED_ROWS]]
    best = max(range(len(found)), key=lambda place: (sum(name in found[place] for name in needed), -place))
    return best, found[best]
