"""Pinyin of names: fast per character, right for surnames, several readings where people type several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from unicodedata import normalize

from pypinyin.constants import PINYIN_DICT

from zhike.kernel.text.folding import fold, fold_key

Syllables = tuple[str, ...]

SORT_LENGTH = 64
_MOST_READINGS = 6

# Surnames read unlike the same character elsewhere (Tongyong guifan hanzi biao; Zhongguo xingshi da cidian).
_SURNAMES = {
    "单": "shan", "解": "xie", "仇": "qiu", "查": "zha", "曾": "zeng", "区": "ou", "朴": "piao", "盖": "ge",
    "乐": "yue",
    "翟": "zhai", "折": "she", "种": "chong", "缪": "miao", "员": "yun", "冼": "xian", "洗": "xian", "卜": "bu",
    "祭": "zhai", "秘": "bi", "召": "shao", "黑": "he", "藏": "zang", "能": "nai", "繁": "po", "句": "gou", "都": "du",
    "任": "ren", "华": "hua", "纪": "ji", "葛": "ge", "令": "ling", "宁": "ning", "牟": "mu", "覃": "qin", "隗": "wei",
    "佴": "nai", "郗": "xi", "幺": "yao", "晁": "chao", "应": "ying", "哈": "ha", "那": "na", "过": "guo", "尉": "wei",
    "褚": "chu", "贾": "jia", "冯": "feng", "沈": "shen", "俞": "yu", "费": "fei", "薄": "bo", "车": "che", "石": "shi",
    "柏": "bai", "盛": "sheng", "宓": "mi", "阚": "kan", "訾": "zi", "逄": "pang", "瞿": "qu", "郇": "xun", "万": "wan",
    "谌": "chen", "钭": "tou", "乜": "nie", "呙": "guo", "郄": "qie", "长": "chang", "重": "chong", "焦": "jiao",
}  # fmt: skip
_DOUBLE_SURNAMES = {
    "尉迟": ("yu", "chi"), "万俟": ("mo", "qi"), "单于": ("chan", "yu"), "长孙": ("zhang", "sun"),
    "澹台": ("tan", "tai"),
    "欧阳": ("ou", "yang"), "令狐": ("ling", "hu"), "宰父": ("zai", "fu"), "鲜于": ("xian", "yu"),
    "夏侯": ("xia", "hou"),
    "皇甫": ("huang", "fu"), "宇文": ("yu", "wen"), "司马": ("si", "ma"), "上官": ("shang", "guan"),
    "诸葛": ("zhu", "ge"),
    "东方": ("dong", "fang"), "慕容": ("mu", "rong"), "公孙": ("gong", "sun"), "轩辕": ("xuan", "yuan"),
    "独孤": ("du", "gu"), "南宫": ("nan", "gong"), "司徒": ("si", "tu"), "百里": ("bai", "li"), "呼延": ("hu", "yan"),
    "端木": ("duan", "mu"), "司空": ("si", "kong"), "赫连": ("he", "lian"), "闻人": ("wen", "ren"),
    "亓官": ("qi", "guan"),
}  # fmt: skip
# What a character is usually read in names of companies, places and products, where the dictionary begins with another.
_USUAL = {
    "长": "chang", "都": "du", "厦": "xia", "藏": "zang", "卜": "bu", "翟": "zhai", "冼": "xian", "番": "fan",
    "什": "shi",
    "呒": "m", "嗯": "en", "呣": "m", "哼": "heng", "欸": "ei", "唔": "wu", "噷": "hm", "誒": "ei", "诶": "ei",
}  # fmt: skip
_OTHER = {
    "长": "zhang", "行": "hang", "重": "chong", "乐": "yue", "调": "tiao", "朝": "zhao", "传": "zhuan", "会": "kuai",
    "降": "xiang", "省": "xing", "厦": "sha", "晟": "cheng", "盛": "cheng", "参": "shen", "藏": "cang", "茜": "xi",
    "薄": "bao", "柏": "bo", "禅": "shan", "番": "pan", "堡": "pu", "泊": "po", "率": "shuai", "都": "dou", "娜": "nuo",
    "阿": "e", "什": "shen", "六": "lu", "单": "shan", "曾": "zeng", "仇": "qiu", "解": "xie", "查": "zha",
    "朴": "piao",
    "盖": "ge", "区": "ou", "覃": "tan", "隗": "kui", "牟": "mou", "郗": "chi", "郇": "huan", "卜": "bo", "石": "dan",
}  # fmt: skip
_PHRASES = {
    "重庆": ("chong", "qing"), "银行": ("yin", "hang"), "商行": ("shang", "hang"), "车行": ("che", "hang"),
    "洋行": ("yang", "hang"), "分行": ("fen", "hang"), "支行": ("zhi", "hang"), "行业": ("hang", "ye"),
    "音乐": ("yin", "yue"), "乐器": ("yue", "qi"), "会计": ("kuai", "ji"), "番禺": ("pan", "yu"),
    "空调": ("kong", "tiao"),
    "朝阳": ("chao", "yang"), "重工": ("zhong", "gong"), "都市": ("du", "shi"), "六安": ("lu", "an"),
    "六合": ("lu", "he"),
    "长治": ("chang", "zhi"), "蚌埠": ("beng", "bu"), "丽水": ("li", "shui"), "台州": ("tai", "zhou"),
    "十堰": ("shi", "yan"),
    "乐清": ("yue", "qing"), "乐山": ("le", "shan"), "大厦": ("da", "sha"), "厦门": ("xia", "men"),
    "宿迁": ("su", "qian"),
    "传动": ("chuan", "dong"), "传感": ("chuan", "gan"), "率先": ("shuai", "xian"), "参茸": ("shen", "rong"),
    "东阿": ("dong", "e"), "什邡": ("shi", "fang"), "单县": ("shan", "xian"), "冠县": ("guan", "xian"),
}  # fmt: skip


class _Table(dict[str, str]):
    """Character to syllable without tone, filled on demand; ü is v; a character without a reading is itself."""

    def __missing__(self, character: str) -> str:
        readings = PINYIN_DICT.get(ord(character), "")
        syllable = _USUAL.get(character) or _plain(readings.partition(",")[0]) or character
        self[character] = syllable
        return syllable


def _plain(syllable: str) -> str:
    letters = normalize("NFD", syllable)
    # U+0308 is the diaeresis of ü; every other mark is a tone.
    marked = letters.replace("u\u0308", "v").replace("u\u0304\u0308", "v")
    return "".join(letter for letter in marked if letter.isascii())


_SYLLABLES = _Table()


def syllables(name: str, *, is_person: bool = False) -> Syllables:
    """The best reading of a folded name, one syllable a character, ü as v; surnames are read as surnames for people."""
    if _unusual().isdisjoint(name):
        return tuple(map(_SYLLABLES.__getitem__, name))
    return tuple(_best(name, is_person=is_person))


def readings(name: str, *, is_person: bool = False) -> tuple[Syllables, ...]:
    """Every reading a person may type for a folded name, the best first; at most six."""
    if _unusual().isdisjoint(name):
        return (tuple(map(_SYLLABLES.__getitem__, name)),)
    best = _best(name, is_person=is_person)
    found = {tuple(best): None}
    found[tuple(part.replace("v", "u") for part in best)] = None
    for place, character in enumerate(name):
        for other in (_OTHER.get(character), _SYLLABLES[character]):
            if other and other != best[place]:
                found[(*best[:place], other, *best[place + 1 :])] = None
    return tuple(found)[:_MOST_READINGS]


def _best(name: str, *, is_person: bool) -> list[str]:
    parts = [_SYLLABLES[character] for character in name]
    for place in range(len(name) - 1):
        phrase = _PHRASES.get(name[place : place + 2])
        if phrase:
            parts[place : place + 2] = phrase
    # 曾氏五金, 查记茶行: the owner's surname opens the name of the firm.
    if is_person or name[1:2] in ("氏", "记"):
        double = _DOUBLE_SURNAMES.get(name[:2]) if len(name) > 2 else None
        if double:
            parts[:2] = double
        elif name[:1] in _SURNAMES:
            parts[0] = _SURNAMES[name[0]]
    return parts


@cache
def _unusual() -> frozenset[str]:
    """Characters that need more than the plain table: a second reading, a surname, a phrase, an ü."""
    with_umlaut = {chr(code) for code, text in PINYIN_DICT.items() if "v" in _plain(text.partition(",")[0])}
    starts = {phrase[0] for phrase in (*_PHRASES, *_DOUBLE_SURNAMES)}
    differing = {one for one, reading in _SURNAMES.items() if reading != _SYLLABLES[one]}
    return frozenset(with_umlaut | starts | differing | set(_OTHER))


def initials(name: str, *, is_person: bool = False) -> str:
    """First letters of the best reading, digits and letters kept: 张广胜 is zgs."""
    return "".join([part[0] for part in syllables(fold_key(name), is_person=is_person)])


def sort_key(name: str, *, is_person: bool = False) -> str:
    """Lower-case ASCII that sorts by pinyin under plain byte order; syllables are divided by spaces (li an < lian)."""
    return _sort_key(fold(name[:SORT_LENGTH]), is_person)


def sort_keys(names: Iterable[str], are_people: Sequence[bool] | None = None) -> list[str]:
    """`sort_key` of many names; `are_people` has one mark a name."""
    if are_people is None:
        return [_sort_key(fold(name[:SORT_LENGTH]), False) for name in names]
    return [_sort_key(fold(name[:SORT_LENGTH]), mark) for name, mark in zip(names, are_people, strict=True)]


def _sort_key(folded: str, is_person: bool) -> str:
    if folded.isascii():
        return folded
    folded = folded.replace("·", "")
    joined = " ".join(syllables(folded, is_person=is_person))
    # Latin words stay whole: "abc 张" must not become "a b c zhang".
    if any(character.isascii() for character in folded):
        joined = _mixed(folded, is_person)
    return joined if joined.isascii() else "".join(map(_ascii, joined))


def _mixed(folded: str, is_person: bool) -> str:
    pieces: list[str] = []
    was_han = False
    for character, part in zip(folded, syllables(folded, is_person=is_person), strict=True):
        is_han = not character.isascii()
        if (is_han or was_han) and pieces and pieces[-1] != " " and part != " ":
            pieces.append(" ")
        pieces.append(part)
        was_han = is_han
    return "".join(pieces)


def _ascii(character: str) -> str:
    # Letters without a reading (kana, hangul, rare signs) come after z, in code order.
    return character if character.isascii() else f"~{ord(character):06x}"
