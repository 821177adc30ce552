"""Normalizes text that looks the same: NFC, one kind of space, and no invisible characters without an effect.

Two names that a reader cannot tell apart are then equal for unique constraints, searches and sorting.
"""

import re
import unicodedata
from typing import Final

import idna

MOST_MARKS: Final = 30
"""Most combining marks in a row, as in Unicode's Stream-Safe Text Format. Ordering them takes quadratic time."""

REFUSED: Final = (
    r"\u0000-\u001F\u007F-\u009F"  # control characters, line breaks among them
    r"\u2028\u2029\u202A-\u202E\u2066-\u206F"  # separators, bidirectional embeddings, overrides and isolates
    r"\u115F\u1160\u17B4\u17B5\u2800\u3164\uFFA0"  # fillers: characters without a shape
    r"\uFDD0-\uFDEF\uFFF9-\uFFFB\uFFFE\uFFFF"  # annotations and noncharacters
)
"""Characters that no line of text may hold, as the inside of a regular expression's character class."""

_REFUSED: Final = re.compile(f"[{REFUSED}]")
# Always invisible, so dropped. Joiners, selectors and tags are kept where they have a visible effect.
_DROPPED: Final = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u2060-\u2065\ufeff\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    "\U000e0000-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff]"
)
_CONDITIONAL: Final = re.compile(
    "[\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef]"
)
_LONG_RUN: Final = re.compile(rb"[^\x00]{%d,}" % (MOST_MARKS + 1))
_ZWNJ: Final = "\u200c"
_ZWJ: Final = "\u200d"
_EMOJI_STYLE: Final = "\ufe0f"
_KEYCAP: Final = "\u20e3"
_BLACK_FLAG: Final = "\U0001f3f4"
_END_OF_TAGS: Final = "\U000e007f"
_VIRAMA: Final = 9  # its combining class
_SKIN_TONES: Final = frozenset("\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
_PICTURES: Final = frozenset({"So", "Sm", "Cn"})  # Cn: emoji newer than this Python
_STYLED: Final = _PICTURES | {"Po", "Pd", "Ps", "Pe", "Sk"}
_UNSEEN: Final = frozenset({"Mn", "Mc", "Me", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs"})


def nfc(text: str) -> str:
    """Return ``text`` in NFC. Raises ValueError for more than ``MOST_MARKS`` combining marks in a row."""
    if text.isascii():
        return text
    if _LONG_RUN.search(bytes(map(unicodedata.combining, text))):
        raise ValueError(f"Value holds more than {MOST_MARKS} combining marks in a row")
    return unicodedata.normalize("NFC", text)


def remove_invisible(text: str) -> str:
    """Return ``text`` in NFC, without invisible characters that have no visible effect."""
    if text.isascii():
        return text
    text = _DROPPED.sub("", nfc(text))
    if not _CONDITIONAL.search(text):
        return nfc(text)
    joiners = effective_joiners(text)
    return nfc("".join(text[at] for at in range(len(text)) if at in joiners or not _CONDITIONAL.match(text[at])))


def effective_joiners(text: str) -> frozenset[int]:
    """Return the indexes of the joiners, selectors and tags that have a visible effect."""
    if not _CONDITIONAL.search(text):
        return frozenset()
    kept: list[str] = []
    found = set()
    for at, character in enumerate(text):
        if _CONDITIONAL.match(character):
            if not _shows(kept, character, text[at + 1 : at + 2]):
                continue
            found.add(at)
        kept.append(character)
    return frozenset(found)


def normalize_line(text: str) -> str:
    """Return ``text`` as a stored line: without invisible characters, with single plain spaces and none at its ends."""
    # Not ``split()``: it treats control characters as spaces, but those must be refused.
    plain = remove_invisible(text)
    if not plain.isascii():
        plain = "".join(" " if unicodedata.category(character) == "Zs" else character for character in plain)
    return re.sub(" {2,}", " ", plain.strip(" \t\n\r\v\f"))


def is_visible(text: str) -> bool:
    """Return whether a reader sees anything: a letter, a digit, a sign or a picture."""
    return any(unicodedata.category(character) not in _UNSEEN for character in text)


def _shows(before: list[str], character: str, after: str) -> bool:
    """Return whether a joiner, selector or tag has a visible effect between these characters."""
    last = before[-1] if before else ""
    if not last:
        return False
    if character == _ZWNJ:
        return unicodedata.combining(last) == _VIRAMA or _separates_letters("".join(before), after)
    if character == _ZWJ:
        return _joins(last, after)
    if "\U000e0020" <= character <= "\U000e007f":
        return last == _BLACK_FLAG or "\U000e0020" <= last < _END_OF_TAGS
    return _selects(last, character, after)


def _separates_letters(before: str, after: str) -> bool:
    """Return whether a non-joiner separates two letters that would otherwise join: RFC 5892, A.1."""
    try:
        return idna.valid_contextj(f"{before}{_ZWNJ}{after}", len(before))
    except (ValueError, idna.IDNAError):
        return False


def _joins(last: str, after: str) -> bool:
    if not after:
        return _is_arabic(last)
    if unicodedata.combining(last) == _VIRAMA or unicodedata.combining(after) == _VIRAMA:
        return True
    if _is_arabic(last) != _is_arabic(after):
        return True  # it shows the letter in its joined form
    pictured = last in _SKIN_TONES or last in (_EMOJI_STYLE, _KEYCAP, _END_OF_TAGS) or _category(last) in _PICTURES
    return pictured and _category(after) in _PICTURES


def _selects(last: str, character: str, after: str) -> bool:
    category = _category(last)
    if character in "\u180b\u180c\u180d\u180f":
        return "\u1820" <= last <= "\u18aa"
    if last in "0123456789#*":
        return character == _EMOJI_STYLE and after == _KEYCAP
    if character in "\ufe0e\ufe0f":
        return category in _STYLED or last == "\u2139"
    return category == "Lo" or category in _PICTURES


def _is_arabic(character: str) -> bool:
    return unicodedata.bidirectional(character) == "AL"


def _category(character: str) -> str:
    return unicodedata.category(character)


def repair_line(text: str, longest: int) -> str:
    """Normalize a line that was stored under older rules. Refuses nothing; the result is never empty."""
    kept, marks = [], 0
    for character in _REFUSED.sub("", text):
        if unicodedata.combining(character):
            marks += 1
        elif not _DROPPED.match(character) and not _CONDITIONAL.match(character):
            marks = 0
        if marks <= MOST_MARKS:
            kept.append(character)
    shown = normalize_line("".join(kept))[:longest].rstrip()
    return shown if is_visible(shown) else "Unnamed"


def numbered(text: str, number: int, longest: int) -> str:
    """Return ``text`` with a number appended, cut to at most ``longest`` characters."""
    suffix = f" ({number})"
    return f"{text[: longest - len(suffix)].rstrip()}{suffix}"
