"""Which language a text is in, whose names are in it, and what a program says."""

from __future__ import annotations

import pytest

from ai4artsed_desktop.domain.safety.code_texts import looks_like_code, split_code, words_of_code
from ai4artsed_desktop.domain.safety.coverage import cover
from tests.support.safety_lists import judged, shipped_lists


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Der Hund liegt in der Küche", "de"),
        ("The dog lies in the kitchen", "en"),
        ("Le chien est dans la cuisine", "fr"),
        ("Köpek mutfakta ve kedi bahçede", "tr"),
        ("Пес лежить на кухні", "uk"),
        ("الكلب في المطبخ", "ar"),
        ("Apfel", None),
        ("", None),
    ],
)
def test_a_covered_language_is_recognised(text: str, language: str | None) -> None:
    coverage = cover(text)
    assert coverage.language == language and coverage.uncovered == ""


@pytest.mark.parametrize(
    "text",
    [
        "El gato negro y la casa de mi abuela",
        "Il gatto è sulla sedia della nonna",
        "O gato está na cadeira da avó e não dorme",
        "De kat slaapt niet op de stoel van oma",
        "Kot nie śpi, bo jest zmęczony",
        "Katten ligger på stolen och sover inte",
        "Кот спит, потому что он устал",
        "گربه روی صندلی چیزی می‌خورد",
        "Kissa nukkuu tuolilla koska se on hyvin väsynyt",
        "Kucing itu tidur di kursi karena dia sangat lelah",
        "Con mèo ngủ trên ghế vì nó rất mệt",
        "Mačka spí na stoličke, lebo je veľmi unavená",
        "A macska a széken alszik, mert nagyon fáradt",
        "Paka analala kwenye kiti kwa sababu amechoka sana",
        "猫が椅子の上で寝ています",
        "고양이가 의자에서 자고 있어요",
        "η γάτα κοιμάται",
        "החתול ישן",
        "แมวนอนหลับ",
        "बिल्ली सो रही है",
    ],
)
def test_another_language_is_noticed(text: str) -> None:
    assert cover(text).uncovered != ""
    verdict = judged(text)
    assert verdict.verdict == "unavailable" and verdict.reasons[0].key == "safety.reason.language"
    assert not verdict.lets_pass and judged(text, "adult").verdict == "pass"


def test_one_foreign_sentence_among_ours_is_enough() -> None:
    text = "A cat sleeps on the chair. La mujer está en la cama con los perros. The sun shines."
    assert cover(text).uncovered == "La mujer está en la cama con los perros"


def test_letters_of_mathematics_and_single_foreign_words_do_no_harm() -> None:
    for text in ("Der Winkel α ist größer als β", "Ein Fest mit Piñata und Salsa in der Stadt", "π ist 3,14 …"):
        assert cover(text).uncovered == "", text


def test_a_hit_counts_more_than_a_foreign_language() -> None:
    assert judged("una mujer desnuda está en la cama con los perros").verdict == "block"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Anna Müller aus Kassel malt ein Bild", ["Anna Müller"]),
        ("A picture of John Smith", ["John Smith"]),
        ("Ayşe Yılmaz bahçede", ["Ayşe Yılmaz"]),
        ("Олена Коваль малює", ["Олена Коваль"]),
        ("Jean Dupont et Marie Curie", ["Jean Dupont"]),
        ("Frau Schmidt unterrichtet Kunst", ["Schmidt"]),
        ("Ich heiße Mia und wohne in Bonn", ["Mia"]),
        ("my friend Tom is here", ["Tom"]),
        ("Harry Potter und Pablo Picasso", []),
        ("Eine Rose und ein Garten", []),
        ("Emma und Paul gehen", []),
        ("Herr und Hund", []),
        ("die Anna, Müller von Beruf", []),
        ("", []),
    ],
)
def test_what_looks_like_a_name_is_noticed(text: str, names: list[str]) -> None:
    found = shipped_lists().names.find(text)
    assert [name.text for name in found] == names
    assert all(text[name.start : name.end] == name.text for name in found)


def test_a_program_says_what_its_strings_and_comments_say() -> None:
    code = """// a red apple
    function kill() { text("hello \\"you\\"", 1, 2); /* and
    more */ let a = 'x' + `y
    z`; }"""
    assert words_of_code(code).split("\n") == [
        " a red apple",
        'hello \\"you\\"',
        " and",
        "    more ",
        "x",
        "y",
        "    z",
    ]


@pytest.mark.parametrize("code", ["", "'", '"', "`", "/*", "//", "'\\", "/* *", "*/", "\\'", "'a\nb'"])
def test_broken_code_has_words_too(code: str) -> None:
    assert isinstance(words_of_code(code), str)


def test_code_is_told_from_sentences() -> None:
    assert looks_like_code("function setup() { createCanvas(400, 400); }\nfunction draw() { background(220); }")
    assert not looks_like_code("Der Hund (ein Dackel) schläft; die Katze nicht.")
    assert not looks_like_code("")


def test_what_a_model_says_around_its_code_is_told_from_the_code() -> None:
    assert split_code("Here:\n```js\nf();\n```\nand\n```\ng();\n```bye") == ("Here:\n\n\nand\n\nbye", "f();\n\ng();\n")
    assert split_code("f();") == ("", "f();")
    assert split_code("a ```js\nf();") == ("a", "f();")
