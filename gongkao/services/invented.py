"""Numbers and names for people and units that do not exist, with right check characters."""

from datetime import date
from functools import lru_cache

from stdnum.cn import uscc

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗"
GIVEN = "明远清和安宁文博思齐云舒晓川听雨致建国志强春梅秀兰海燕红军永平福顺玉凤桂英长江立冬石桥知秋望舒观澜青山"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


@lru_cache(maxsize=32768)
def _region_and_birth(region: str, born: date) -> tuple[str, int]:
    body = f"{region}{born:%Y%m%d}"
    return body, sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, body, strict=False))


def identity_number(region: str, born: date, serial: int) -> str:
    """An identity number (GB 11643); an odd serial (to 999) is a man's, an even one a woman's."""
    body, total = _region_and_birth(region, born)
    total += serial // 100 * 8 + serial // 10 % 10 * 4 + serial % 10 * 2
    return f"{body}{serial:03d}{'10X98765432'[total % 11]}"


def credit_code(region: str, serial: int) -> str:
    """A unified social credit code of a public institution, with right check characters (GB 32100, GB 11714)."""
    number = f"{74600 + 137 * serial:08d}"
    value = -sum(weight * int(digit) for weight, digit in zip(_ORGANISATION_WEIGHTS, number, strict=True)) % 11
    body = f"12{region}{number}{'X' if value == 10 else value}"
    return body + uscc.calc_check_digit(body)


def person_name(number: int) -> str:
    """A name of two or three characters, the same for the same number."""
    surname = SURNAMES[number % len(SURNAMES)]
    first = GIVEN[number // 7 % len(GIVEN)]
    second = GIVEN[(number // 3 + number // 101) % len(GIVEN)]
    return surname + first + (second if number % 5 else "")
