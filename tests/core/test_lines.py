"""Names, searches and free text: one spelling for text that looks the same, and no invisible characters."""

# ruff: noqa: RUF001 - this tests letters that look alike

import unicodedata
from time import perf_counter
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from insula.core.text.fields import FreeText, Line, Name, SearchText, Title
from insula.core.text.lines import MOST_MARKS, is_visible, normalize_line, repair_line

NAME: TypeAdapter[str] = TypeAdapter(Name)
SEARCH: TypeAdapter[str] = TypeAdapter(SearchText)
BODY: TypeAdapter[str] = TypeAdapter(Annotated[str, FreeText(100)])
SPECIAL = "\u200c\u200d\ufe0f\u20e3\u0301\u094d\U0001f468\U0001f3fb 1ab"
CHARACTERS = st.characters(codec="utf-8") | st.sampled_from(SPECIAL)

KEPT = [
    pytest.param("Website", id="plain"),
    pytest.param("Ünïcödé", id="accents"),
    pytest.param("O'Neill & Söhne (2) #1 <b>", id="signs"),
    pytest.param("می\u200cخواهم", id="Persian with a non-joiner"),
    pytest.param("क्\u200dष", id="Devanagari with a joiner"),
    pytest.param("ক্\u200cষ", id="Bengali with a non-joiner"),
    pytest.param("র\u200d্য", id="Bengali with a joiner before the virama"),
    pytest.param("\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", id="a family"),
    pytest.param("\U0001f3f3\ufe0f\u200d\U0001f308", id="a rainbow flag"),
    pytest.param("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", id="the flag of England"),
    pytest.param("\U0001f1e9\U0001f1ea", id="a flag of two letters"),
    pytest.param("1\ufe0f\u20e3", id="a keycap"),
    pytest.param("\u2764\ufe0f", id="a heart"),
    pytest.param("\U0001f468\U0001f3fd\u200d\U0001f4bb", id="a skin tone and a profession"),
    pytest.param("\u845b\U000e0100", id="a variant of an ideograph"),
    pytest.param("日本語", id="Japanese"),
    pytest.param("שלום עולם", id="Hebrew"),
    pytest.param("ﬁ ㎏ ²", id="compatibility characters"),
    pytest.param("ısparta İstanbul", id="Turkish"),
    pytest.param("Σίσυφος", id="a final sigma"),
    pytest.param("\U0001fae8", id="an emoji newer than this Python"),
]
SAME = [
    pytest.param("Cafe\u0301", "Café", id="NFD"),
    pytest.param("\u212bngstro\u0308m", "Ångström", id="an Angstrom sign"),
    pytest.param("\u1100\u1161", "가", id="conjoining jamo"),
    pytest.param("Foo\u200b", "Foo", id="a zero-width space"),
    pytest.param("\ufeffFoo", "Foo", id="a byte-order mark"),
    pytest.param("F\u00adoo", "Foo", id="a soft hyphen"),
    pytest.param("F\u200doo", "Foo", id="a joiner between Latin letters"),
    pytest.param("Foo\ufe0f", "Foo", id="a selector behind a letter"),
    pytest.param("Foo\U000e0041", "Foo", id="a tag"),
    pytest.param("کار\u200cها", "کارها", id="a non-joiner where nothing joins"),
    pytest.param("e\u200d\u0301", "é", id="a joiner within a letter"),
    pytest.param(" Foo \u00a0\u3000 Bar\u2003", "Foo Bar", id="spaces"),
    pytest.param("Foo\u200e", "Foo", id="a mark of direction"),
]
REFUSED = [
    *("", " ", "\u3000", "\u200b", "\u200d\u200d", "\u0301", "\ufe0f", "\ufeff\u00a0"),
    *("\u3164", "\u115f", "\u1160", "\uffa0", "\u2800", "Foo\u3164", "a\u2800b"),
    *(f"a{chr(code)}b" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))),
    *("a\nb", "a\x00b", "a\x7fb", "a\x85b", "a\u2028b", "a\u2029b", "a\ufff9b", "a\uffffb", "a\ud800"),
    *(letter + "\u0301" * (MOST_MARKS + 1) for letter in "ax"),
    *("x" * 121, "x" * 5000, "\u0301\u0315" * 50_000),
]


@pytest.mark.parametrize("name", KEPT)
def test_a_name_without_hidden_characters_is_unchanged(name: str) -> None:
    assert NAME.validate_python(name) == name
    assert SEARCH.validate_python(name) == name


@pytest.mark.parametrize(("written", "kept"), SAME)
def test_names_that_look_alike_become_equal(written: str, kept: str) -> None:
    assert NAME.validate_python(written) == kept
    assert NAME.validate_python(kept) == kept


@pytest.mark.parametrize("written", REFUSED, ids=lambda text: ascii(text[:12]))
def test_invisible_text_and_direction_controls_are_refused(written: str) -> None:
    begun = perf_counter()
    with pytest.raises(ValidationError):
        NAME.validate_python(written)
    assert perf_counter() - begun < 0.5
    assert NAME.validate_python("Foo") == "Foo"


def test_the_length_is_measured_after_normalizing() -> None:
    assert NAME.validate_python("e\u0301" * 120) == "é" * 120
    assert TypeAdapter(Title).validate_python("x" * 200) == "x" * 200
    short: TypeAdapter[str] = TypeAdapter(Annotated[str, Line(3)])
    assert short.validate_python(" abc ") == "abc"
    with pytest.raises(ValidationError, match="at most 3 characters"):
        short.validate_python("abcd")
    assert short.json_schema()["maxLength"] == 3


def test_look_alikes_of_other_scripts_stay_apart() -> None:
    assert NAME.validate_python("\u0430cme") != NAME.validate_python("acme")


@pytest.mark.parametrize("value", [7, None, ["a"], {"a": 1}, True])
def test_a_value_that_is_no_text_is_refused(value: object) -> None:
    for adapter in (NAME, SEARCH, BODY):
        with pytest.raises(ValidationError, match="valid string"):
            adapter.validate_python(value)


def test_free_text_keeps_its_lines_and_is_nfc() -> None:
    assert BODY.validate_python(" Cafe\u0301\n\u202eturned\t\u200b ") == " Café\n\u202eturned\t\u200b "
    with pytest.raises(ValidationError, match="combining marks"):
        BODY.validate_python("a" + "\u0315\u0300" * 40)


@given(st.text(CHARACTERS, max_size=40))
def test_normalizing_twice_changes_nothing(text: str) -> None:
    try:
        once = normalize_line(text)
    except ValueError:
        return
    assert normalize_line(once) == once
    assert unicodedata.is_normalized("NFC", once)


@given(st.text(CHARACTERS, max_size=150))
def test_any_stored_text_can_be_repaired_to_a_valid_name(text: str) -> None:
    shown = repair_line(text, 120)
    assert is_visible(shown)
    assert NAME.validate_python(shown) == shown
