"""Who reviews whom (notice 二（五）): every level of unit in every kind of region, taken over or not."""

import pytest

from gongkao.rules.errors import InvalidInput
from gongkao.rules.routing import Region, RegionLevel, UnitLevel, reviewing_region

PROVINCE = Region("410000", "河南省", RegionLevel.PROVINCE, None)
CAPITAL = Region("410100", "郑州市", RegionLevel.CITY, "410000")
CAPITAL_COUNTY = Region("410122", "中牟县", RegionLevel.COUNTY, "410100")
CAPITAL_ZONE = Region("410171", "郑州经济技术开发区", RegionLevel.COUNTY, "410100")
CITY = Region("410200", "开封市", RegionLevel.CITY, "410000")
COUNTY = Region("410221", "杞县", RegionLevel.COUNTY, "410200")
ZONE = Region("410371", "洛阳高新技术产业开发区", RegionLevel.COUNTY, "410300")
ZONE_CITY = Region("410300", "洛阳市", RegionLevel.CITY, "410000")
JIYUAN = Region("419001", "济源示范区", RegionLevel.CITY, "410000")

PLACES = {
    "province": (PROVINCE, None),
    "capital": (CAPITAL, CAPITAL),
    "county of the capital": (CAPITAL_COUNTY, CAPITAL),
    "zone of the capital": (CAPITAL_ZONE, CAPITAL),
    "city": (CITY, CITY),
    "county": (COUNTY, CITY),
    "zone": (ZONE, ZONE_CITY),
    "济源": (JIYUAN, JIYUAN),
}
P, C, Z, J, NO = PROVINCE, CITY, ZONE_CITY, JIYUAN, None

# For each level, place by place: who reviews where the county has not taken over, and where it has (已承接).
TABLE = {
    UnitLevel.PROVINCIAL: [(P, P)] * 8,
    UnitLevel.CENTRAL_IN_CAPITAL: [(NO, NO), (P, P), (P, P), (P, P), (NO, NO), (NO, NO), (NO, NO), (NO, NO)],
    UnitLevel.CENTRAL_ELSEWHERE: [(NO, NO), (NO, NO), (NO, NO), (NO, NO), (C, C), (C, C), (Z, Z), (J, J)],
    UnitLevel.MUNICIPAL: [
        (NO, NO),
        (CAPITAL, CAPITAL),
        (CAPITAL, CAPITAL),
        (CAPITAL, CAPITAL),
        (C, C),
        (C, C),
        (Z, Z),
        (J, J),
    ],
    UnitLevel.COUNTY: [
        (NO, NO),
        (NO, NO),
        (CAPITAL, CAPITAL_COUNTY),
        (CAPITAL, CAPITAL_ZONE),
        (NO, NO),
        (C, COUNTY),
        (Z, ZONE),
        (NO, NO),
    ],
}
CASES = [
    pytest.param(level, place, taken_over, reviewer, id=f"二（五） {level} in {place}, {taken_over=}")
    for level, row in TABLE.items()
    for place, pair in zip(PLACES, row, strict=True)
    for taken_over, reviewer in zip((False, True), pair, strict=True)
]


@pytest.mark.parametrize(("level", "place", "taken_over", "reviewer"), CASES)
def test_who_reviews(level: UnitLevel, place: str, taken_over: bool, reviewer: Region | None) -> None:
    region, city = PLACES[place]
    if reviewer is None:
        with pytest.raises(InvalidInput):
            reviewing_region(level, region, city, PROVINCE, taken_over=taken_over)
    else:
        assert reviewing_region(level, region, city, PROVINCE, taken_over=taken_over) == reviewer


def test_the_table_covers_everything() -> None:
    assert set(TABLE) == set(UnitLevel)
    assert len(CASES) == len(UnitLevel) * len(PLACES) * 2


def test_a_county_without_a_known_city_is_refused() -> None:
    with pytest.raises(InvalidInput, match="没有找到单位所在的省辖市"):
        reviewing_region(UnitLevel.COUNTY, COUNTY, None, PROVINCE, taken_over=False)


@pytest.mark.parametrize(
    ("level", "region", "hint"),
    [
        (UnitLevel.CENTRAL_IN_CAPITAL, CITY, "中央驻郑单位应在郑州市"),
        (UnitLevel.CENTRAL_ELSEWHERE, CAPITAL, "由省职业技能等级评价指导中心审查"),
        (UnitLevel.MUNICIPAL, PROVINCE, "市直单位应选择所在的省辖市"),
        (UnitLevel.COUNTY, CITY, "县级单位应选择所在的县"),
    ],
)
def test_the_message_says_what_to_choose(level: UnitLevel, region: Region, hint: str) -> None:
    with pytest.raises(InvalidInput, match=hint):
        reviewing_region(level, region, None, PROVINCE, taken_over=False)
