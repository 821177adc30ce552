"""Names sort as people expect, with short sort keys."""

# ruff: noqa: RUF001 - this tests letters of other scripts

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.core.text.collation import LONGEST_KEY, sort_key

ORDERS = [
    ["", " a", "-a", "1", "2", "a", "A", "ä", "Ä", "b", "z"],
    ["apfel", "Apfel", "äpfel", "Arger", "Ärger", "Zebra"],
    ["de Gaulle", "de luge", "Deluge", "deluxe"],
    ["cote", "coté", "côte", "côté"],
    ["strasse", "Strasse", "straße", "Straße", "strassen"],
    ["Istanbul", "İstanbul", "ısparta", "jota"],
    ["naa", "ñandu", "nz"],
    ["a", "Σίσυφοσ", "а", "ав", "иван", "Иван", "йод", "к", "א", "ا", "あ", "中", "日"],
    ["\U0001f600", "1", "a"],
    ["O Neill", "O'Neill", "ONeill"],
]


@pytest.mark.parametrize("expected", ORDERS, ids=lambda order: ascii(order[-1]))
def test_names_are_in_the_order_that_people_expect(expected: list[str]) -> None:
    backwards = expected[::-1]
    assert sorted(backwards, key=sort_key) == expected


@given(st.text(max_size=300))
def test_a_key_is_short_and_equal_for_all_normal_forms(text: str) -> None:
    assert len(sort_key(text)) <= LONGEST_KEY
    short = text[:20]
    assert {sort_key(unicodedata.normalize(form, short)) for form in ("NFC", "NFD")} == {sort_key(short)}


def test_common_names_have_short_keys() -> None:
    assert [len(sort_key(name)) for name in ("Website", "Ada Lovelace", "Иван")] == [17, 31, 11]
