"""Single fields as people type them: each function gives back the form that is kept, or raises InvalidInput."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import date

import phonenumbers
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from gongkao.rules.errors import InvalidInput

MIN_PASSWORD = 8
MAX_PASSWORD = 128

# Chinese characters of every block, and the dot between the parts of a transcribed name.
_HAN = r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af〇]"
_NAME = re.compile(rf"{_HAN}+(?:·{_HAN}+)*")
_UNIT_NAME = re.compile(rf"(?:{_HAN}|[A-Za-z0-9（）·、—-])+")
_NUMBERS = re.compile(r"(?<![0-9])(?:[1-9][0-9]{16}[0-9Xx]|1[3-9][0-9]{9})(?![0-9])")
_COMMON_PASSWORDS = frozenset(
    [
        "password",
        "12345678",
        "123456789",
        "1234567890",
        "11111111",
        "88888888",
        "66666666",
        "00000000",
        "87654321",
        "abcd1234",
        "a1234567",
        "1qaz2wsx",
        "qwertyui",
        "qwer1234",
        "asdf1234",
        "abc12345",
        "password1",
        "passw0rd",
        "admin123",
        "admin888",
        "woaini1314",
        "woaini520",
        "5201314520",
        "iloveyou",
        "147258369",
        "123123123",
        "12341234",
        "11223344",
        "12344321",
        "qwerty123",
        "zaq12wsx",
        "henan2025",
        "gongkao2025",
    ]
)


def person_name(text: str) -> str:
    """A person's name: 2 to 30 Chinese characters, with “·” between the parts of a transcribed one."""
    name = "".join(text.split()).replace("•", "·").replace("・", "·").replace("．", "·")
    if not name:
        raise InvalidInput("请输入姓名。")
    if not 2 <= len(name) <= 30 or not _NAME.fullmatch(name):
        raise InvalidInput("姓名应为2至30个汉字，与身份证一致；少数民族姓名中的间隔点请用“·”。")
    return name


def identity_number(text: str) -> str:
    """An 18-digit identity number with a right check digit and a possible birth date; x becomes X."""
    number = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    if not number:
        raise InvalidInput("请输入身份证号。")
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number):
        raise InvalidInput("身份证号应为18位，前17位为数字，最后一位为数字或字母X。")
    try:
        born = ric.get_birth_date(number)
    except ValidationError as error:
        raise InvalidInput("身份证号中的出生日期不存在，请核对第7至14位。") from error
    if not date(1900, 1, 1) <= born <= date(2100, 1, 1):
        raise InvalidInput("身份证号中的出生日期不合理，请核对第7至14位。")
    # Not ric.validate: it asks that the region's code was in use in the year of birth, yet numbers were first given out
    # in 1984, to people of every age, with the codes of that time.
    if ric.calc_check_digit(number) != number[-1]:
        raise InvalidInput("身份证号校验未通过，请逐位核对（最后一位是校验码）。")
    return number


def birth_date(number: str) -> date:
    """The birth date in a checked identity number."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def sex(number: str) -> str:
    """男 or 女, by the 17th digit of a checked identity number."""
    return "男" if int(number[16]) % 2 else "女"


def mask_identity_number(number: str) -> str:
    """410122********1235"""
    return f"{number[:6]}{'*' * 8}{number[14:]}"


def mask_name(name: str) -> str:
    """孟**"""
    return name[:1] + "*" * (len(name) - 1)


def mobile(text: str) -> str:
    """A mainland mobile number of 11 digits."""
    number = re.sub(r"[\s\-—]", "", unicodedata.normalize("NFKC", text)).removeprefix("+86")
    if not number:
        raise InvalidInput("请输入手机号码。")
    if not re.fullmatch(r"1[0-9]{10}", number):
        raise InvalidInput("手机号码应为11位数字，以1开头。")
    parsed = phonenumbers.parse(number, "CN")
    if phonenumbers.number_type(parsed) is not phonenumbers.PhoneNumberType.MOBILE:
        raise InvalidInput("没有这个号段的手机号码，请核对前几位。")
    return number


def mask_mobile(number: str) -> str:
    """138****0000"""
    return f"{number[:3]}****{number[-4:]}"


def mask_numbers(text: str) -> str:
    """A text with every identity number and mobile number in it masked: 身份证410122********1235.jpg"""
    return _NUMBERS.sub(lambda found: _masked(found[0]), text)


def _masked(number: str) -> str:
    return mask_mobile(number) if len(number) == 11 else mask_identity_number(number)


def email(text: str) -> str:
    """An email address of at most 120 characters."""
    address = unicodedata.normalize("NFKC", text).strip()
    if len(address) > 120 or not re.fullmatch(r"[\w.+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", address, re.ASCII):
        raise InvalidInput("电子邮箱格式不正确，请核对，如 name@example.cn。")
    return address


def office_phone(text: str) -> str:
    """A landline with its area code (0371-62181234, with or without an extension), or a mobile number."""
    number = unicodedata.normalize("NFKC", text).strip().replace("—", "-").replace("－", "-")
    number = re.sub(r"[\s()]+", "-", number).strip("-")
    number = re.sub(r"-+", "-", number)
    if not number:
        raise InvalidInput("请输入办公电话。")
    match = re.fullmatch(r"(0[0-9]{2,3})-?([2-9][0-9]{6,7})(?:(?:-|转)([0-9]{1,6}))?", number)
    if match:
        area, local, extension = match.groups()
        return f"{area}-{local}" + (f"-{extension}" if extension else "")
    if re.fullmatch(r"1[0-9]{10}", number):
        return mobile(number)
    raise InvalidInput("办公电话请带区号填写，如 0371-62181234；有分机的写作 0371-62181234-801。")


def unit_name(text: str) -> str:
    """A unit's full name: 4 to 60 characters; half-width brackets become full-width ones."""
    name = "".join(text.split()).replace("(", "（").replace(")", "）")
    if not name:
        raise InvalidInput("请输入单位名称。")
    if not 4 <= len(name) <= 60:
        raise InvalidInput("单位名称应为4至60个字，请填写与印章一致的规范全称。")
    if not _UNIT_NAME.fullmatch(name):
        raise InvalidInput("单位名称只能有汉字、字母、数字和括号，请填写与印章一致的规范全称。")
    if not re.fullmatch("(?:（(?:（）)*）)*", re.sub("[^（）]", "", name)):
        raise InvalidInput("单位名称中的括号不成对，请核对。")
    return name


def credit_code(text: str) -> str:
    """A unified social credit code (GB 32100) of 18 characters with a right check character."""
    code = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    if not code:
        raise InvalidInput("请输入统一社会信用代码。")
    if len(code) != 18:
        raise InvalidInput(f"统一社会信用代码应为18位，现为{len(code)}位。")
    try:
        uscc.validate(code)
    except ValidationError as error:
        raise InvalidInput("统一社会信用代码校验未通过，请逐位核对（不使用字母I、O、Z、S、V）。") from error
    return code


def short_text(text: str, label: str, longest: int, shortest: int = 1) -> str:
    """Plain text between `shortest` and `longest` characters, trimmed. `label` names the field in the message."""
    clean = "".join(character for character in text if character in "\n\t" or character.isprintable()).strip()
    if not clean:
        raise InvalidInput(f"请填写{label}。")
    if len(clean) < shortest:
        raise InvalidInput(f"{label}至少{shortest}个字，请写得更具体。")
    if len(clean) > longest:
        raise InvalidInput(f"{label}最多{longest}个字，现为{len(clean)}个字。")
    return clean


def document_number(text: str, label: str) -> str:
    """An official paper's number, 牟人社〔2025〕12号 (GB/T 9704, 7.2.5): brackets of any kind become 〔〕."""
    plain = "".join(unicodedata.normalize("NFKC", short_text(text, label, 60)).split())
    match = re.fullmatch(rf"({_HAN}+)[\[(〔【]([0-9]{{4}})[\])〕】]第?0*([1-9][0-9]*)号", plain)
    if match is None:
        raise InvalidInput(f"{label}由发文机关代字、年份和序号组成，请按“牟人社〔2025〕12号”的格式填写。")
    return f"{match[1]}〔{match[2]}〕{match[3]}号"


def day(text: str, label: str, *, earliest: date, latest: date) -> date:
    """A day typed as 2025-03-11, 2025/3/11, 2025.3.11 or 2025年3月11日, within bounds. Raises InvalidInput."""
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    if not plain:
        raise InvalidInput(f"请填写{label}。")
    match = re.fullmatch(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?", plain)
    compact = re.fullmatch(r"([0-9]{4})([0-9]{2})([0-9]{2})", plain)
    found = match or compact
    if found is None:
        raise InvalidInput(f"{label}请按“2015-07-01”的格式填写。")
    try:
        value = date(*(int(part) for part in found.groups()))
    except ValueError as error:
        raise InvalidInput(f"{label}不是一个存在的日期，请核对。") from error
    if value < earliest:
        raise InvalidInput(f"{label}不能早于{earliest.year}年{earliest.month}月{earliest.day}日。")
    if value > latest:
        raise InvalidInput(f"{label}不能晚于{latest.year}年{latest.month}月{latest.day}日。")
    return value


def password_problems(password: str, *, about: Sequence[str] = ()) -> list[str]:
    """What is wrong with a new password, in words; empty where it may be used.

    Length counts, not kinds of characters; common ones and those made of what is known of the person are refused.
    """
    problems = []
    if len(password) < MIN_PASSWORD:
        problems.append(f"密码至少{MIN_PASSWORD}个字符，建议用几个词连成一句好记的话。")
    if len(password) > MAX_PASSWORD:
        problems.append(f"密码最长{MAX_PASSWORD}个字符。")
    lower = password.lower()
    if lower in _COMMON_PASSWORDS or len(set(lower)) < 4:
        problems.append("这个密码太常见，容易被人猜到，请换一个。")
    for known in about:
        if len(known) >= 6 and (known.lower() in lower or known[-6:].lower() in lower):
            problems.append("密码不能包含身份证号、手机号码或账户名（包括后六位），请换一个。")
            break
    return problems
