"""Single fields as people type them (notice 二（三）: 实名注册; attachment: the registration sheet's fields)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from gongkao.rules import fields
from gongkao.rules.errors import InvalidInput

REGIONS = ("410122", "410105", "411402", "419001", "412924", "110108", "659001")
USCC_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def made(region: str, born: date, serial: int) -> str:
    body = f"{region}{born:%Y%m%d}{serial:03d}"
    return body + ric.calc_check_digit(body + "0")


identity_numbers = st.builds(
    made, st.sampled_from(REGIONS), st.dates(date(1930, 1, 1), date(2010, 12, 31)), st.integers(0, 999)
)


@st.composite
def credit_codes(draw: st.DrawFn) -> str:
    body = draw(st.text(USCC_CHARACTERS, min_size=2, max_size=2).filter(str.isdigit)) + draw(
        st.text("0123456789", min_size=6, max_size=6)
    )
    body += draw(st.text(USCC_CHARACTERS, min_size=9, max_size=9))
    return body + uscc.calc_check_digit(body)


# Identity numbers


@given(identity_numbers)
def test_every_right_identity_number_is_taken(number: str) -> None:
    assert fields.identity_number(number) == number
    assert f"{fields.birth_date(number):%Y%m%d}" == number[6:14]
    assert fields.sex(number) == ("男" if int(number[14:17]) % 2 else "女")


@given(identity_numbers, st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(number: str, place: int, step: int) -> None:
    old = 10 if number[place] == "X" else int(number[place])
    changed = str((old + step) % 10) if place < 17 else "0123456789X"[(old + step) % 11]
    with pytest.raises(InvalidInput):
        fields.identity_number(number[:place] + changed + number[place + 1 :])


@given(identity_numbers, st.integers(0, 16))
def test_two_neighbours_exchanged_are_always_found(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped != number:
        with pytest.raises(InvalidInput):
            fields.identity_number(swapped)


@given(identity_numbers)
def test_the_mask_shows_neither_birth_date_nor_more_than_ten_digits(number: str) -> None:
    masked = fields.mask_identity_number(number)
    assert len(masked) == 18
    assert masked[6:14] == "*" * 8
    assert (masked[:6], masked[14:]) == (number[:6], number[14:])


FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


@given(identity_numbers)
def test_identity_number_as_people_type_it(number: str) -> None:
    for typed in (number.lower(), f" {number[:6]} {number[6:14]} {number[14:]}\n", number.translate(FULL_WIDTH)):
        assert fields.identity_number(typed) == number


@pytest.mark.parametrize(("region", "born"), [("419001", date(1965, 6, 15)), ("410881", date(1995, 6, 15))])
def test_identity_number_with_a_code_not_in_use_in_the_year_of_birth(region: str, born: date) -> None:
    assert fields.identity_number(made(region, born, 23))


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("", "请输入身份证号"),
        ("   ", "请输入身份证号"),
        ("410122860409057", "18位"),
        ("4101221986040905733", "18位"),
        ("4101221986O4090573", "18位"),
        ("X10122198604090573", "18位"),
        ("410122198602300573", "出生日期不存在"),
        ("410122198613010573", "出生日期不存在"),
        ("410122189912310573", "出生日期不合理"),
        ("41012219860409057A", "18位"),
    ],
)
def test_identity_number_refused_with_the_reason(typed: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=hint):
        fields.identity_number(typed)


# Unified social credit codes


@given(credit_codes())
def test_every_right_credit_code_is_taken(code: str) -> None:
    assert fields.credit_code(code.lower()) == code


@given(credit_codes(), st.integers(0, 17), st.sampled_from(USCC_CHARACTERS))
def test_one_wrong_character_of_a_credit_code_is_always_found(code: str, place: int, character: str) -> None:
    if character != code[place]:
        with pytest.raises(InvalidInput):
            fields.credit_code(code[:place] + character + code[place + 1 :])


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("", "请输入"), ("1241012200000001", "现为16位"), ("12410122I000000011", "校验未通过")],
)
def test_credit_code_refused_with_the_reason(typed: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=hint):
        fields.credit_code(typed)


# Names


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("王建国", "王建国"),
        (" 王 建 国 ", "王建国"),
        ("𠮷永𪚥", "𠮷永𪚥"),
        ("㛃云", "㛃云"),
        ("𬭸𰻝", "𬭸𰻝"),
        ("买买提·艾力", "买买提·艾力"),
        ("买买提•艾力", "买买提·艾力"),
        ("阿不都热合曼·买买提·依明", "阿不都热合曼·买买提·依明"),
        ("武〇", "武〇"),
    ],
)
def test_person_name(typed: str, kept: str) -> None:
    assert fields.person_name(typed) == kept


@pytest.mark.parametrize(
    "typed", ["", "王", "王Ming", "王建国1", "·王建国", "王建国·", "买买提··艾力", "王建国。", "王" * 31, "<b>王</b>"]
)
def test_person_name_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match="姓名"):
        fields.person_name(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("中牟县水利局", "中牟县水利局"),
        ("中牟县 人民医院(中医院)", "中牟县人民医院（中医院）"),
        ("河南省第3监狱", "河南省第3监狱"),
        ("黄河水利委员会（中央）机关服务中心（后勤）", "黄河水利委员会（中央）机关服务中心（后勤）"),
    ],
)
def test_unit_name(typed: str, kept: str) -> None:
    assert fields.unit_name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("", "请输入单位名称"),
        ("水利局", "4至60"),
        ("水" * 61, "4至60"),
        ("中牟县水利局!", "只能有汉字"),
        ("中牟县（水利局", "括号不成对"),
        ("中牟县）水利局（", "括号不成对"),
    ],
)
def test_unit_name_refused_with_the_reason(typed: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=hint):
        fields.unit_name(typed)


# Telephones


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("13800000000", "13800000000"),
        ("138 0000 0000", "13800000000"),
        ("138-0000-0000", "13800000000"),
        ("+86 13800000000", "13800000000"),
        ("１３８００００００００", "13800000000"),
        ("19900000000", "19900000000"),
    ],
)
def test_mobile(typed: str, kept: str) -> None:
    assert fields.mobile(typed) == kept


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("", "请输入"), ("1380000000", "11位"), ("23800000000", "11位"), ("12000000000", "号段"), ("1380000000a", "11位")],
)
def test_mobile_refused_with_the_reason(typed: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=hint):
        fields.mobile(typed)


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_the_mask_of_a_mobile_hides_its_middle(number: str) -> None:
    assert fields.mask_mobile(number) == f"{number[:3]}****{number[7:]}"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0371-62181234", "0371-62181234"),
        ("037162181234", "0371-62181234"),
        ("(0371)62181234", "0371-62181234"),
        ("（0371）62181234", "0371-62181234"),
        ("0371—62181234", "0371-62181234"),
        ("0371 62181234 801", "0371-62181234-801"),
        ("0371-62181234转801", "0371-62181234-801"),
        ("010-62181234", "010-62181234"),
        ("0391-6633123", "0391-6633123"),
        ("13800000000", "13800000000"),
    ],
)
def test_office_phone(typed: str, kept: str) -> None:
    assert fields.office_phone(typed) == kept


@pytest.mark.parametrize("typed", ["", "62181234", "0371-1234567", "0371-621812345", "12000000000", "电话", "0371-"])
def test_office_phone_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        fields.office_phone(typed)


# Texts and days


@given(st.text(max_size=80), st.integers(1, 40))
def test_short_text_is_bounded_and_printable(text: str, longest: int) -> None:
    try:
        kept = fields.short_text(text, "说明", longest)
    except InvalidInput as error:
        assert error.message.startswith(("请填写说明", "说明"))
    else:
        assert 1 <= len(kept) <= longest
        assert all(character.isprintable() or character in "\n\t" for character in kept)
        assert fields.short_text(kept, "说明", longest) == kept


def test_short_text_says_what_is_wrong() -> None:
    for text, hint in (("", "请填写退回理由"), ("不符", "至少5个字"), ("字" * 21, "最多20个字，现为21个字")):
        with pytest.raises(InvalidInput, match=hint):
            fields.short_text(text, "退回理由", 20, 5)


BOUNDS = {"earliest": date(1950, 1, 1), "latest": date(2025, 3, 31)}


@given(st.dates(date(1950, 1, 1), date(2025, 3, 31)))
def test_every_way_to_write_a_day_is_the_same_day(value: date) -> None:
    year, month, day = value.year, value.month, value.day
    for typed in (
        f"{value:%Y-%m-%d}",
        f"{year}/{month}/{day}",
        f"{year}.{month}.{day}",
        f"{year}年{month}月{day}日",
        f"{value:%Y%m%d}",
        f" {year} - {month} - {day} ",
    ):
        assert fields.day(typed, "参加工作时间", **BOUNDS) == value


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("", "请填写参加工作时间"),
        ("2004-7", "2015-07-01"),
        ("去年", "2015-07-01"),
        ("2023-02-29", "不是一个存在的日期"),
        ("1949-12-31", "不能早于1950年1月1日"),
        ("2025-04-01", "不能晚于2025年3月31日"),
    ],
)
def test_day_refused_with_the_reason(typed: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=hint):
        fields.day(typed, "参加工作时间", **BOUNDS)


def test_numbers_in_a_text_are_masked_and_nothing_else() -> None:
    text = "证41012219860409057x.jpg 13800000000_20250321 410122198604090573 91410122MA3X4Y5Z6A 123456789012345678901"
    masked = "证410122********057x.jpg 138****0000_20250321 410122********0573 91410122MA3X4Y5Z6A 123456789012345678901"
    assert fields.mask_numbers(text) == masked


# Passwords


@pytest.mark.parametrize(
    ("password", "hint"),
    [
        ("short7!", "至少8个字符"),
        ("x" * 64 + "yz12" * 20, "最长128"),
        ("password", "太常见"),
        ("PassWord", "太常见"),
        ("12121212", "太常见"),
        ("my410122198604090573", "不能包含身份证号"),
        ("hello090573", "不能包含身份证号"),
    ],
)
def test_password_refused_with_the_reason(password: str, hint: str) -> None:
    assert any(hint in problem for problem in fields.password_problems(password, about=["410122198604090573"]))


@pytest.mark.parametrize("password", ["plain steps 2025", "黄河之水天上来奔流", "correct horse battery"])
def test_a_long_plain_password_is_taken(password: str) -> None:
    assert fields.password_problems(password, about=["410122198604090573", "13800000000"]) == []


@given(st.text(max_size=7))
def test_short_passwords_are_never_taken(password: str) -> None:
    assert fields.password_problems(password)
