"""Search that ignores case in every script, independent of the database's locale.

A search becomes a regular expression for PostgreSQL's ``~``: each character matches all its case
variants. The four Turkish and Latin i match each other, ``ss`` finds ``ß``, a sigma finds a final sigma.
"""

# ruff: noqa: RUF001 - this module is about letters that look alike

import re
from functools import lru_cache
from typing import Final

_SPACES: Final = "[ \\t\\n\\r\u00a0\u2000-\u200a\u202f\u3000]+"
_GROUPS: Final = ("iIıİ", "σςΣ", "sSſ", "kK\u212a", "åÅ\u212b", "µμΜ", "ωΩ\u2126", "βϐΒ", "θϑΘϴ", "φϕΦ", "πϖΠ")
_TOGETHER: Final = {character: group for group in _GROUPS for character in group}
_SHARP: Final = "(?:[sSſ][sSſ]|[ßẞ])"
_PAIR: Final = re.compile("[sSſ]{2}|[ßẞ]")
_PART: Final = re.compile(rf"\s+|{_PAIR.pattern}|i\u0307|.", re.DOTALL)


def containing(text: str) -> str:
    """Return a regular expression that finds ``text`` anywhere, ignoring case; special characters are escaped."""
    return "***:" + "".join(_any_case(part) for part in _PART.findall(text))


@lru_cache(maxsize=1024)
def _any_case(part: str) -> str:
    if part.isspace():
        return _SPACES
    if _PAIR.fullmatch(part):
        return _SHARP
    first = part[0]
    cases = {first, *_TOGETHER.get(first, "")}
    cases |= {case for character in tuple(cases) for case in _simple_cases(character)}
    escaped = "".join(f"\\{case}" if case in "\\]^-[" else case for case in sorted(cases))
    return f"[{escaped}]" + ("\u0307?" if first in "iIıİ" else "")


def _simple_cases(character: str) -> set[str]:
    """Return the upper, lower and title case, where each is one character."""
    found = {character.lower(), character.upper(), character.title(), character.upper().lower()}
    return {case for case in found if len(case) == 1}
