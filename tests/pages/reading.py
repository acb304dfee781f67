"""Reading pages as a person does."""

import io

from openpyxl import Workbook
from werkzeug.test import TestResponse


def error_beside(page: str, field: str, message: str) -> bool:
    """Whether the message stands in the field's own error, and the summary on top leads there."""
    _, _, rest = page.partition(f'id="{field}-error"')
    return message in rest.partition("</p>")[0] and f'href="#{field}"' in page


def main_of(answer: TestResponse) -> str:
    """The page without its frame."""
    return answer.text.partition("<main")[2].partition("</main>")[0]


def workbook(rows: list[list[str]]) -> bytes:
    """An .xlsx file of text cells, as Excel would write it."""
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()
