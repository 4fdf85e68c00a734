"""Rules of Chinese text: folding, pinyin, keys of names."""

from __future__ import annotations

import pytest

from zhike.kernel.text.folding import fold, fold_key, simplify
from zhike.kernel.text.names import name_key, name_keys
from zhike.kernel.text.pinyin import initials, sort_key, sort_keys


def test_folding_brings_widths_scripts_case_and_spaces_together() -> None:
    assert fold("　ＡＢＣ　廣東\t Müller（中國）\u200b ") == "abc 广东 muller(中国)"
    assert fold_key("买买提 · 吐尔逊（A-1）") == "买买提吐尔逊a1"
    assert fold("a\x00b\x07") == "ab"
    assert simplify("張廣勝 ABC（甲）") == "张广胜 ABC（甲）"
    assert fold("") == fold_key("--") == ""


def test_folding_twice_changes_nothing() -> None:
    for text in ("臺灣 ＡＢＣ", "ÀÉÎ", "  x  y ", "乾坤 著名", "İstanbul"):
        assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("name", "pinyin"),
    [("单雄信", "shan xiong xin"), ("解晓东", "xie xiao dong"), ("仇英", "qiu ying"), ("查良镛", "zha liang yong"),
     ("曾国藩", "zeng guo fan"),
     ("区志航", "ou zhi hang"), ("朴树", "piao shu"), ("盖聂", "ge nie"), ("乐嘉", "yue jia"),
     ("尉迟恭", "yu chi gong"), ("万俟卨", "mo qi xie"),
     ("吕布", "lv bu"), ("张广胜", "zhang guang sheng"), ("欧阳锋", "ou yang feng"),
     ("買買提·吐爾遜", "mai mai ti tu er xun"), ("长孙无忌", "zhang sun wu ji")],
)  # fmt: skip
def test_people_sort_by_their_surname(name: str, pinyin: str) -> None:
    assert sort_key(name, is_person=True) == pinyin


def test_companies_sort_by_the_usual_reading() -> None:
    assert sort_key("重庆长安汽车") == "chong qing chang an qi che"
    assert sort_key("解放军医院").startswith("jie fang")
    assert sort_key("中国工商银行") == "zhong guo gong shang yin hang"
    assert sort_key("曾氏五金") == "zeng shi wu jin"
    assert sort_key("ABC 科技2号") == "abc ke ji 2 hao"


def test_sort_keys_are_plain_ascii_and_sort_by_syllable() -> None:
    names = ["李安", "连城", "アベ", "Zebra", "阿里", "3M", "黎"]
    keys = sort_keys(names, [True] * len(names))
    assert all(key.isascii() and key == key.lower() for key in keys)
    ordered = [name for _, name in sorted(zip(keys, names, strict=True))]
    assert ordered == ["3M", "阿里", "黎", "李安", "连城", "Zebra", "アベ"]


def test_initials() -> None:
    assert initials("张广胜", is_person=True) == "zgs"
    assert initials("单 雄信", is_person=True) == "sxx"
    assert initials("ABC 科技") == "abckj"


@pytest.mark.parametrize(
    "spelling",
    ["苏州启衡精密机械有限公司", "启衡精密机械（苏州）有限公司", "啟衡精密機械股份有限公司",
     "江苏省苏州市启衡精密机械有限责任公司", "启衡精密机械集团", "启衡精密机械(集团)有限公司昆山分公司",
     "启衡 精密机械"],
)  # fmt: skip
def test_spellings_of_one_company_meet(spelling: str) -> None:
    assert name_key(spelling, "company") == "启衡精密机械"


def test_a_key_never_loses_what_makes_the_name() -> None:
    assert name_key("上海银行股份有限公司", "company") == "上海银行"
    assert name_key("北京有限公司", "company") == "北京"
    assert name_key("华为", "company") == "华为"
    assert name_key("（上海）", "company") == "上海"
    assert name_key("ABC Trading Co., Ltd.", "company") == "abctrading"
    assert name_key("Limited", "company") == "limited"
    assert name_key("有限公司", "company") == "有限公司"


def test_people_meet_without_spaces_and_dots() -> None:
    assert name_keys(["买买提·吐尔逊", "買買提 吐爾遜"], ["person", "person"]) == ["买买提吐尔逊", "买买提吐尔逊"]
