"""The five grades (notice 一（二）: 五至一级)."""

from enum import IntEnum


class Grade(IntEnum):
    """Grade one is the highest."""

    ONE = 1
    TWO = 2
    THREE = 3
    FOUR = 4
    FIVE = 5

    @property
    def level(self) -> str:
        """三级"""
        return _LEVELS[self]

    @property
    def title(self) -> str:
        """高级工"""
        return _TITLES[self]

    @property
    def label(self) -> str:
        """三级（高级工）"""
        return f"{self.level}（{self.title}）"

    @property
    def below(self) -> "Grade | None":
        """The grade right below, from which one ordinarily comes; None below the lowest."""
        return None if self is Grade.FIVE else Grade(self + 1)


_LEVELS = {Grade.ONE: "一级", Grade.TWO: "二级", Grade.THREE: "三级", Grade.FOUR: "四级", Grade.FIVE: "五级"}
_TITLES = {
    Grade.ONE: "高级技师",
    Grade.TWO: "技师",
    Grade.THREE: "高级工",
    Grade.FOUR: "中级工",
    Grade.FIVE: "初级工",
}
