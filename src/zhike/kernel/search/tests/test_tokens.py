"""What a person types finds the record: every form the search promises, and nothing it should not."""

from __future__ import annotations

import re

import pytest

from zhike.kernel.search.tokens import SearchParts, documents, query, tokens

ZHANG = tokens(SearchParts(people=("张广胜",), codes=("KH-000123",), phones=("+8613812346021",)))
QIHENG = tokens(SearchParts(names=("苏州启衡精密机械有限公司",), codes=("KH000124",), phones=("+8651265551234",)))
ABC = tokens(SearchParts(names=("ABC Trading 上海(中国)有限公司",)))


def found(text: str, document: str) -> bool:
    """Evaluate the tsquery on the tsvector text as PostgreSQL does: & and | over exact lexemes and prefixes."""
    lexemes = document.split()
    wanted = query(text).tsquery

    def hit(match: re.Match[str]) -> str:
        lexeme, is_prefix = match.group(1), bool(match.group(2))
        return str(any(one.startswith(lexeme) if is_prefix else one == lexeme for one in lexemes))

    formula = re.sub(r"'([^']*)'(:\*)?", hit, wanted).replace("&", " and ").replace("|", " or ")
    assert set(re.findall(r"\w+", formula)) <= {"True", "False", "and", "or"}
    return bool(wanted) and bool(eval(formula))


@pytest.mark.parametrize(
    "text",
    ["张", "广", "胜", "张广", "广胜", "张广胜", "張廣勝", "张 胜", "zgs", "ZGS", "gs", "zhangguangsheng",
     "zhang guang", "guangsh", "sheng",
     "6021", "46021", "13812346021", "138 1234 6021", "+86 138-1234-6021", "KH-000123", "kh000123",
     "kh0001", "000123", "张 6021", "张gs",
     "ｚｇｓ"],
)  # fmt: skip
def test_a_person_is_found_by(text: str) -> None:
    assert found(text, ZHANG)


@pytest.mark.parametrize("text", ["胜张", "张胜", "李", "zsg", "6022", "1234", "guangzhang", "1381234", "kh000124", "限", "", "%", "'"])
def test_a_person_is_not_found_by(text: str) -> None:
    assert not found(text, ZHANG)


@pytest.mark.parametrize(
    "text",
    ["启衡", "启衡精密", "机械有限", "有限公司", "限公司", "公司", "公", "司", "限", "苏州 机械", "蘇州啟衡", "szqh",
     "qhjm", "suzhou", "qiheng",
     "suzhouqihengjingmijixie", "jixie", "051265551234", "65551234", "0512-65551234", "1234"],
)  # fmt: skip
def test_a_company_is_found_by(text: str) -> None:
    assert found(text, QIHENG)


@pytest.mark.parametrize("text", ["abc", "trading", "rading", "上海中国", "上海", "公司", "abc 上海"])
def test_a_mixed_name_is_found_by(text: str) -> None:
    assert found(text, ABC)


@pytest.mark.parametrize(
    ("code", "text", "is_found"),
    [
        ("XS20240001", "20240001", True),
        ("XS20240001", "xs2024", True),
        ("XS240315-0000012", "0000012", True),
        ("XS240315-0000012", "xs240315-0000012", True),
        ("曾惠-14485", "14485", True),
        ("曾惠-14485", "曾惠-14485", True),
        ("曾惠-14485", "曾惠", True),
        ("KH0123", "kh01", True),
        ("KH0123", "0123", False),
        ("KH0123", "h0123", False),
    ],
)
def test_codes_are_found_from_their_start_and_from_each_part(code: str, text: str, is_found: bool) -> None:
    assert found(text, tokens(SearchParts(codes=(code,)))) is is_found


@pytest.mark.parametrize(
    ("name", "text"),
    [("单雄信", "shanxx"), ("单雄信", "shan"), ("单雄信", "dan"), ("解晓东", "xxd"), ("仇英", "qiuying"),
     ("查良镛", "zhaliang"), ("曾国藩", "zeng"),
     ("区志航", "ouzhi"), ("朴树", "piao"), ("盖聂", "ge"), ("乐嘉", "yuejia"), ("尉迟恭", "yuchi"),
     ("万俟卨", "moqi"), ("吕布", "lvbu"), ("吕布", "lubu"),
     ("吕布", "lü"), ("买买提·吐尔逊", "买提吐尔"), ("买买提·吐尔逊", "买买提·吐"), ("欧阳锋", "oyf")],
)  # fmt: skip
def test_surnames_are_found_by_their_own_reading(name: str, text: str) -> None:
    wanted = text if text != "shanxx" else "shanxiongxin"
    assert found(wanted, tokens(SearchParts(people=(name,))))


def test_a_surname_reading_is_not_used_inside_a_company_name() -> None:
    assert found("jiejue", tokens(SearchParts(names=("问题解决公司",))))


def test_neighbouring_pairs_that_stand_apart_do_not_pass_the_second_look() -> None:
    asked = query("广胜广")
    assert found("广胜广", tokens(SearchParts(names=("胜广胜",))))
    assert not asked.keeps("胜广胜")
    assert asked.keeps("新 广 胜 广 机电")
    assert asked.like == ("%广胜广%",)


def test_nothing_typed_can_break_out_of_the_query() -> None:
    for text in ("a' | 'b", "\\", "':*", "!(", "<->", "张'广\\胜", "\x00张", "张" * 500, "a:b&c"):
        for lexeme in re.findall(r"'([^']*)'", query(text).tsquery):
            assert lexeme.isalnum()
        assert re.fullmatch(r"[^'\\!<]*", re.sub(r"'\w+'", "", query(text).tsquery))


def test_no_lexeme_of_a_document_needs_quoting() -> None:
    text = tokens(SearchParts(names=("O'Neil \\ & 子公司: 'x'", "（）", ""), codes=("A'B", "--"), phones=("无", "1-2")))
    assert all(lexeme.isalnum() for lexeme in text.split())


def test_the_bulk_path_gives_the_same_lexemes() -> None:
    made = documents(
        ["张广胜", "苏州启衡精密机械有限公司"],
        ["KH-000123", "KH000124"],
        ["+8613812346021", "+8651265551234"],
        [True, False],
    )
    assert [set(one.split()) for one in made] == [set(ZHANG.split()), set(QIHENG.split())]
    assert documents(["张"], [None], ["12"]) == ["b张 pzhang iz  r21"]


def test_lists_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        documents(["张", "李"], ["1"], [None, None])
