"""Charts as SVG pictures that carry everything in themselves: no script, no font, no sheet from outside.

A page shows one in an <img> from a data address: the sheet inside a picture is the picture's own, so the pages' policy
against inline styles stays as strict as it is.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from urllib.parse import quote
from xml.etree import ElementTree

import pygal
from pygal.graph.graph import Graph
from pygal.style import Style

# Light enough for dark figures on them, dark enough to stand out from white and from each other.
WAITING, RETURNED, PASSED, REFUSED = "#7ba3d4", "#e0b35c", "#4c9a6d", "#b8504f"
_FONT = '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", sans-serif'
_SVG = "{http://www.w3.org/2000/svg}"
# In a phone as narrow as 390 px the figures are still read.
WIDTH = 480
_READABLE = " /:;,=()'!*"
_ROW, _HEIGHT, _EDGE, _LEGEND, _LABEL, _VALUE = 24, 250, 64, 22, 13, 12


@cache
def _style(colours: tuple[str, ...]) -> Style:
    return Style(
        background="#ffffff",
        plot_background="#ffffff",
        foreground="#46525f",
        foreground_strong="#1b2430",
        foreground_subtle="#d6dce4",
        guide_stroke_color="#e7ebf0",
        major_guide_stroke_color="#e7ebf0",
        guide_stroke_dasharray="1,0",
        major_guide_stroke_dasharray="1,0",
        opacity="1",
        opacity_hover="1",
        transition="0s",
        colors=colours,
        font_family=_FONT,
        label_font_size=_LABEL,
        major_label_font_size=_LABEL,
        value_font_size=_VALUE,
        legend_font_size=13,
        no_data_font_size=16,
        value_colors=("#1b2430",) * len(colours),
    )


def bars(
    labels: Sequence[str],
    series: Mapping[str, Sequence[int]],
    colours: Sequence[str],
    *,
    across: bool = False,
    stacked: bool = True,
    wide: bool = False,
) -> bytes:
    """Bars of whole numbers, several series on top of each other or side by side; `across` lays them down, the first
    label on top; `wide` is twice as wide.

    A single series has its figures at the bars and no legend.
    """
    alone = len(series) == 1
    most = 20 if wide else 10
    upright = pygal.StackedBar if stacked else pygal.Bar
    kind = pygal.HorizontalStackedBar if across else upright
    highest = max((sum(bar) if stacked else max(bar) for bar in zip(*series.values(), strict=True)), default=0)
    ticks = _ticks(highest)
    # pygal takes a character to be 0.6 of its size wide; a Chinese one is as wide as high.
    wider = max((len(label) for label in labels), default=0) * _LABEL * 0.4 if across else 0
    # Room at the right: for the figure after a bar that reaches the last tick; or for half of that tick's label and for
    # the legend's last name, which is longer than its column.
    beyond = _wide(highest, _VALUE) + _VALUE if alone else max(_wide(ticks[-1], _LABEL) / 2, 2 * _LABEL)
    chart: Graph = kind(
        style=_style(tuple(colours)),
        width=2 * WIDTH if wide else WIDTH,
        height=_EDGE + _ROW * max(len(labels), 2) + (0 if alone else _LEGEND) if across else _HEIGHT,
        js=[],
        show_legend=not alone,
        legend_at_bottom=True,
        legend_at_bottom_columns=len(series),
        legend_box_size=11,
        margin=6,
        margin_left=6 + wider,
        margin_right=6 + beyond if across else 6,
        spacing=8,
        print_values=alone,
        print_values_position="top",
        print_zeroes=False,
        value_formatter=lambda value: f"{value:,.0f}",
        truncate_label=-1,
        truncate_legend=-1,
        show_minor_x_labels=across or len(labels) <= most,
        no_data_text="还没有数据",
    )
    shown = list(reversed(labels)) if across else list(labels)
    chart.x_labels = shown
    if not across and len(labels) > most:
        # So many days that not each has room for its name.
        step = -(-len(labels) // most)
        chart.x_labels_major = [label for place, label in enumerate(shown) if place % step == 0]
        chart.show_minor_x_labels = False
    chart.y_labels = ticks
    # None of them stands out.
    chart.y_labels_major = [-1]
    for name, values in series.items():
        chart.add(name, list(reversed(values)) if across else list(values))
    return _plain(chart.render(), across)


def _wide(number: int, size: int) -> float:
    """About how wide a number is in letters of this size."""
    return len(f"{number:,}") * 0.6 * size


def _ticks(highest: int) -> list[int]:
    """Whole numbers from nought to the highest or just above, in steps of 1, 2 or 5 of some ten, at most six."""
    ten = 1
    while True:
        for step in (ten, 2 * ten, 5 * ten):
            if highest <= 5 * step:
                return list(range(0, -(-max(highest, 1) // step) * step + 1, step))
        ten *= 10


def _plain(svg: bytes, across: bool) -> bytes:
    """Without what pygal puts in for charts that stand in a page: scripts, comments, and a name of its own.

    A figure at a bar that lies begins after its end; pygal centres it there, half upon the bar.
    """
    ElementTree.register_namespace("", "http://www.w3.org/2000/svg")
    root = ElementTree.fromstring(svg)
    for parent in root.iter():
        for child in list(parent):
            if child.tag == f"{_SVG}script":
                parent.remove(child)
            elif across and child.get("class") == "value":
                child.set("text-anchor", "start")
    # A picture is alone in its file, so the rules of its sheet need not name it.
    name = f"#{root.attrib.pop('id')}"
    text: str = ElementTree.tostring(root, encoding="unicode")
    return text.replace(f"{name} ", "").replace(name, "svg").encode()


def address(svg: bytes) -> str:
    """The picture as a data address, in readable text: the line compresses it much better than base64."""
    return f"data:image/svg+xml,{quote(svg, safe=_READABLE)}"
