"""Who reviews whom (notice 二（五）, domain rule 1)."""

from dataclasses import dataclass
from enum import StrEnum

from gongkao.rules.errors import InvalidInput

# The provincial capital: central units there belong to the provincial centre (中央驻郑单位).
CAPITAL_PREFIX = "4101"


class RegionLevel(StrEnum):
    """From the top down; iterating gives parents before children."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"


@dataclass(frozen=True)
class Region:
    code: str
    name: str
    level: RegionLevel
    parent_code: str | None


class UnitLevel(StrEnum):
    """To which level of government a unit belongs; that, not its place alone, decides who reviews."""

    PROVINCIAL = "provincial"
    CENTRAL_IN_CAPITAL = "central_in_capital"
    CENTRAL_ELSEWHERE = "central_elsewhere"
    MUNICIPAL = "municipal"
    COUNTY = "county"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    UnitLevel.PROVINCIAL: "省直",
    UnitLevel.CENTRAL_IN_CAPITAL: "中央驻郑",
    UnitLevel.CENTRAL_ELSEWHERE: "其他中央驻豫",
    UnitLevel.MUNICIPAL: "市直",
    UnitLevel.COUNTY: "县级",
}


def under_province(level: UnitLevel) -> bool:
    """Whether the provincial centre is the agency of such units wherever they lie (notice 二（五）)."""
    return level in (UnitLevel.PROVINCIAL, UnitLevel.CENTRAL_IN_CAPITAL)


def check_unit_region(level: UnitLevel, region: Region) -> None:
    """Check that a unit of the level can lie in the region. Raises InvalidInput."""
    in_capital = region.code.startswith(CAPITAL_PREFIX)
    if level is UnitLevel.CENTRAL_IN_CAPITAL and not in_capital:
        raise InvalidInput("中央驻郑单位应在郑州市；在其他省辖市的中央单位请选“其他中央驻豫”。")
    if level is UnitLevel.CENTRAL_ELSEWHERE and in_capital:
        raise InvalidInput("在郑州市的中央单位请选“中央驻郑”，由省职业技能等级评价指导中心审查。")
    if level in (UnitLevel.CENTRAL_ELSEWHERE, UnitLevel.MUNICIPAL) and region.level is RegionLevel.PROVINCE:
        raise InvalidInput(f"{level.label}单位应选择所在的省辖市或济源示范区。")
    if level is UnitLevel.COUNTY and region.level is not RegionLevel.COUNTY:
        raise InvalidInput("县级单位应选择所在的县（市、区）。")


def reviewing_region(
    level: UnitLevel, region: Region, city: Region | None, province: Region, *, taken_over: bool
) -> Region:
    """The region whose agency reviews the unit's people (notice 二（五）).

    `city` is the city that `region` is or lies in, None for the province itself; `taken_over` tells whether the
    county has taken over the review (已承接). Raises InvalidInput where level and region do not fit.
    """
    check_unit_region(level, region)
    if under_province(level):
        return province
    if level is UnitLevel.COUNTY and taken_over:
        return region
    if city is None:
        raise InvalidInput("没有找到单位所在的省辖市，请核对所在地区。")
    return city
