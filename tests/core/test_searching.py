"""A search finds its text, ignoring case as a reader does, on the real database."""

# ruff: noqa: RUF001 - this tests letters of other scripts

import re

import pytest

from insula.core.text.searching import containing
from tests.support.emails import Readback

FOUND = [
    ("website", "The WEBSITE of 2026"),
    ("ПРОЕКТ", "Новый проект"),
    ("strasse", "Hauptstraße 1"),
    ("STRASSE", "hauptstraße"),
    ("straße", "HAUPTSTRASSE"),
    ("ẞ", "straße"),
    ("ΣΟΦΟΣ", "σοφος"),
    ("σοφοσ", "σοφος"),
    ("istanbul", "İstanbul"),
    ("İSTANBUL", "istanbul"),
    ("ısparta", "ISPARTA"),
    ("isparta", "Isparta"),
    ("a b", "A\u00a0\u2003B"),
    ("100%", "is 100% done"),
    ("a_b", "A_B"),
    ("[x] (y) {z} ^$ .*+? \\d |", "[X] (Y) {Z} ^$ .*+? \\D |"),
    ("]-^", "x]-^y"),
    ("***:", "a***:b"),
    ("\U0001f3db", "a \U0001f3db b"),
    ("ﬁ", "ﬁn"),
    ("café", "CAFÉ"),
]
NOT_FOUND = [
    ("100%", "1000"),
    ("a_b", "axb"),
    (".", "x"),
    ("[a]", "a"),
    ("café", "cafe"),
    ("\u0430", "a"),
    ("\\d", "1"),
]


@pytest.mark.parametrize(("search", "text"), FOUND)
async def test_a_search_finds_its_text(readback: Readback, search: str, text: str) -> None:
    [row] = await readback("select cast(:text as text) ~ :pattern as found", text=text, pattern=containing(search))
    assert row["found"] is True


@pytest.mark.parametrize(("search", "text"), NOT_FOUND)
async def test_a_search_does_not_find_other_text(readback: Readback, search: str, text: str) -> None:
    [row] = await readback("select cast(:text as text) ~ :pattern as found", text=text, pattern=containing(search))
    assert row["found"] is False


async def test_every_ascii_character_matches_only_itself(readback: Readback) -> None:
    signs = "".join(chr(code) for code in range(0x21, 0x7F))
    for sign in signs:
        [row] = await readback(
            "select cast(:text as text) ~ :pattern as own, cast(:rest as text) ~ :pattern as other",
            text=sign,
            rest=re.sub(re.escape(sign), "", signs, flags=re.IGNORECASE),
            pattern=containing(sign),
        )
        assert (row["own"], row["other"]) == (True, False), sign
