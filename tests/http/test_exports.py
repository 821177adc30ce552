"""CSV for spreadsheets: formulas are defused, and every other cell is unchanged."""

import pytest

from insula.http.responses.exports import escape_formulas

FORMULA = "1+1|' /C calc'!A0"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\u2212", "\ufe66"])
@pytest.mark.parametrize(
    "before",
    [
        "",
        " ",
        "\u00a0",
        "\u3000",
        "\t",
        "\r",
        "\n",
        '"',
        "'",
        "\u201c",
        "\ufeff",
        "\u200b",
        "\u2066",
        "\x01",
        " \u200d\"'",
    ],
)
def test_a_formula_behind_other_characters_is_defused(before: str, sign: str) -> None:
    cell = f"{before}{sign}{FORMULA}"
    assert escape_formulas(cell).startswith("'")
    assert escape_formulas(cell).replace("'", "") == cell.replace("'", "")


@pytest.mark.parametrize("separator", [";", "\t", "\n", "\r\n", "; \ufeff"])
def test_a_formula_behind_another_separator_is_defused(separator: str) -> None:
    assert "'" in escape_formulas(f"a{separator}={1}+1").partition("=")[0]


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "plain",
        "a=b",
        "1-2",
        "5",
        " spaced",
        '"quoted"',
        "a; b",
        "Ümlaut",
        "日本",
        '{"a": "x; y"}',
        "'tis",
        "\u200b",
    ],
)
def test_every_other_cell_stays_as_it_is(cell: str) -> None:
    assert escape_formulas(cell) == cell
