"""Text that looks the same in several spellings, invisible text, and formulas in spreadsheets; each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import tests

_EXPORTS: Final = "platform/insula/http/responses/exports.py"
_CELLS: Final = tests("http/test_exports.py")
_ADDRESSES: Final = "platform/insula/identity/accounts/addresses.py"
_SPELLINGS: Final = tests("identity/test_addresses.py")
_LINES: Final = "platform/insula/core/text/lines.py"
_NAMES: Final = tests("core/test_lines.py")
_KINDS: Final = tests("faults/test_59_text.py")

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
        "exports: formulas with full-width signs",
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
    Edit("names: in any normal form", _LINES, 'unicodedata.normalize("NFC", text)', "text", _NAMES),
    Edit("names: with invisible characters", _LINES, '_DROPPED.sub("", nfc(text))', "nfc(text)", _NAMES),
    Edit("names: with bidirectional controls", _LINES, r"\u202A-\u202E\u2066-\u206F", "", _NAMES),
    Edit("names: made of fillers", _LINES, r"\u2800\u3164", "", _NAMES),
    Edit(
        "names: without a visible character",
        "platform/insula/core/text/fields.py",
        "if not is_visible(text):",
        "if False:",
        _NAMES,
    ),
    Edit("names: any number of combining marks", _LINES, "_LONG_RUN.search(", "False and _LONG_RUN.search(", _NAMES),
    Edit(
        "names: a sort key that does not follow the name",
        "platform/insula/db/schema/sorting.py",
        "if isinstance(value, str):",
        "if False:",
        tests("db/test_rows.py"),
    ),
    Edit(
        "cursors: a limit below issued cursors",
        "platform/insula/core/paging.py",
        "MAX_CURSOR = 4_000",
        "MAX_CURSOR = 300",
        tests("faults/test_59_long_cursors.py"),
    ),
)
