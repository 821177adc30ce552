"""Text: what is written in several ways and looks like one, what is not seen, and what a spreadsheet runs."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import tests

_EXPORTS: Final = "platform/insula/http/exports.py"
_CELLS: Final = tests("http/test_exports.py")
_ADDRESSES: Final = "platform/insula/auth/addresses.py"
_SPELLINGS: Final = tests("auth/test_addresses.py")

TEXT: Final = (
    Edit("exports: formulas behind quotes", _EXPORTS, "character not in _QUOTES and ", "", _CELLS),
    Edit(
        "exports: formulas behind invisible characters",
        _EXPORTS,
        "unicodedata.category(character) not in _SKIPPED",
        "not character.isspace()",
        _CELLS,
    ),
    Edit(
        "exports: formulas of full-width signs",
        _EXPORTS,
        'unicodedata.normalize("NFKC", character)[0] in _FORMULA',
        "character in _FORMULA",
        _CELLS,
    ),
    Edit("exports: formulas behind another separator", _EXPORTS, "if _SEPARATOR.search(cell):", "if False:", _CELLS),
    Edit(
        "addresses: another domain's, by folding",
        _ADDRESSES,
        "ascii_domain(domain)",
        "ascii_domain(domain.casefold())",
        _SPELLINGS,
    ),
    Edit("addresses: another mailbox, by folding", _ADDRESSES, "if local.isascii():", "if True:", _SPELLINGS),
)
