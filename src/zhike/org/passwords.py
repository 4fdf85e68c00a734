"""Which passwords are good enough: long, known to nobody, not one's name. No rules about signs, no forced change."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhike.kernel.errors import Refused
from zhike.kernel.spec import Words
from zhike.kernel.text.folding import fold_key
from zhike.kernel.text.pinyin import syllables

from .models import User

LONGEST = 256
# What people here begin their passwords with; alone, or with figures that everybody knows, it is a guess away.
STEMS = (
    "woaini|woaiwojia|woaiziji|woaizhongguo|aini|woainimen|zhongguo|beijing|shanghai|wobuzhidao|wangjile|mima|mimamima|wodemima|"
    "nihao|haoren|laopo|laogong|baobao|baobei|iloveyou|loveyou|admin|administrator|root|user|test|guest|password|passwd|pass|pwd|"
    "qq|weixin|wechat|taobao|alipay|zhifubao|jingdong|huawei|xiaomi|iphone|zhike|crm|"
    "qwertyuiop|qwerty|qwer|asdfghjkl|asdfgh|asdf|zxcvbnm|zxcvbn|zxcv|qazwsxedc|qazwsx|qaz|wsx|1qaz2wsx|1q2w3e4r5t|1q2w3e4r|q1w2e3r4|"
    "abcdefg|abcdef|abcde|abcd|abc|aaa|aa|a|xxx|x|z|w|wang|li|zhang|liu|chen"
)
LUCKY = r"(1314|520|521|5201314|666+|888+|999+|168|518|668|886|123|1234|321|110|119|19[5-9]\d|20[0-3]\d|\d)"
RUNS = (
    "01234567890123456789",
    "98765432109876543210",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qazwsxedcrfvtgbyhnujmikolp",
)
HABIT = re.compile(rf"^(?:(?:{STEMS}){{1,3}}{LUCKY}{{0,4}}|{LUCKY}{{1,3}}(?:{STEMS}){{1,3}}{LUCKY}{{0,3}})[!@#.~?*_-]{{0,3}}$")


def is_habit(password: str) -> bool:
    """Whether a password is one of the ways people are used to make one: woaini1314, a123456789, 1qaz2wsx, 5201314520."""
    plain = re.sub(r"[\s!@#.~?*_-]+", "", password.lower())
    if len(set(plain)) <= 3 or any(len(plain) >= 6 and (plain in run or plain[::-1] in run) for run in RUNS):
        return True
    if plain.isdigit() and (len(plain) <= 11 or len(set(plain)) <= 4):  # a phone number, a date, a lucky number
        return True
    shorter = re.sub(r"(0?123456789?0?|9?87654321|1?23456|654321|(\d)\2{2,})", "1", plain)
    return bool(HABIT.match(shorter))


class KnownPasswordValidator:
    """Refuses what is tried first here, beside Django's list of what is tried first elsewhere."""

    def validate(self, password: str, user: User | None = None) -> None:
        del user
        if is_habit(password):
            raise ValidationError(self.get_help_text(), code="password_habit")

    def get_help_text(self) -> str:
        return _("这样的密码太多人用，一猜就中")


class CompanyNameValidator:
    """Refuses a password that is little more than the name of the company or of the person, in characters or pinyin."""

    def validate(self, password: str, user: User | None = None) -> None:
        typed = fold_key(password)
        names = [company_name(), *([user.name, user.username, user.email.partition("@")[0]] if user else [])]
        for name in {form for one in names for form in _forms(one)}:
            # What stands beside the name has to be worth a password by itself.
            if len(name) >= 2 and name in typed and len(set(typed.replace(name, ""))) < 6:
                raise ValidationError(self.get_help_text(), code="password_name")

    def get_help_text(self) -> str:
        return _("别用公司或自己的名字作密码")


def _forms(name: str) -> set[str]:
    key = fold_key(name)
    return {key, "".join(syllables(key, is_person=True))} if key else set()


def company_name() -> str:
    """The name of the company at hand; empty where there is none."""
    found: str = import_string(settings.ZHIKE_COMPANY_NAME_OF)()
    return found


def check_password(password: str, user: User | None) -> None:
    """Refused("weak_password") with the reasons when a password is short, too long, known or a name."""
    problems = problems_of(password, user)
    if problems:
        raise Refused("weak_password", why="，".join(problems))


def problems_of(password: str, user: User | None) -> list[str]:
    """What is wrong with a password, in words; nothing when it may be used."""
    if len(password) > LONGEST:
        return [_("最长 %(limit)s 个字") % {"limit": LONGEST}]
    try:
        validate_password(password, user)
    except ValidationError as weak:
        told = [str(WORDS.get(str(error.code), error.messages[0])) % (error.params or {}) for error in weak.error_list]
        return list(dict.fromkeys(told))[:2]
    return []


WORDS: dict[str, Words] = {
    "password_too_short": gettext_lazy("至少 %(min_length)d 个字"),
    "password_too_common": gettext_lazy("这样的密码太多人用，一猜就中"),
    "password_too_similar": gettext_lazy("别用公司或自己的名字作密码"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How good a password is: 0 not allowed, 1 enough, 2 good, 3 strong; with words for it."""

    level: int
    words: str


def judge(password: str, user: User | None) -> Verdict:
    """What is told while a password is typed."""
    problems = problems_of(password, user)
    if problems:
        return Verdict(level=0, words="，".join(problems))
    size = len(password) + sum(1 for sign in password if ord(sign) > 0x2E7F) * 2  # a character is worth more than a letter
    varied = len(set(password))
    if size >= 16 and varied >= 9:
        return Verdict(level=3, words=_("很结实"))
    return Verdict(level=2, words=_("不错")) if size >= 12 and varied >= 7 else Verdict(level=1, words=_("可以用，再长些更好"))
