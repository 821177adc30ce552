"""Makes text by users safe for emails: one line, in which an email program detects no web address.

Anybody can choose a name and cause an email with it to anybody, under our sender's reputation.
"""

import unicodedata
from functools import lru_cache
from typing import Final

from insula.core.text.lines import effective_joiners

_SEPARATORS: Final = frozenset(".:/@\\\u3002")
"""The characters between the parts of a web or email address; IDNA treats the ideographic full stop as a dot."""

_SLASHES: Final = frozenset("\u2044\u2215\u29f5\u29f8")
"""Characters that look like a slash and that NFKC does not change into one."""


def name_in_mail(name: str) -> str:
    """Return a name without control and invisible characters, and with spaces in place of an address's separators.

    Keeps invisible joiners that have an effect, as in a Persian word or a family emoji.
    """
    joined = effective_joiners(name)
    seen = ((at, letter) for at, letter in enumerate(name) if letter.isprintable() or at in joined)
    kept = {at: " " if _separates(name, at) else letter for at, letter in seen}
    shown = (kept.get(at, " ") for at in range(len(name)))
    return " ".join("".join(shown).split())


def _separates(name: str, at: int) -> bool:
    """Return whether a separator stands between two other characters than spaces: "Inc." and "and / or" have none."""
    inner = 0 < at < len(name) - 1 and not name[at - 1].isspace() and not name[at + 1].isspace()
    return inner and _is_separator(name[at])


@lru_cache(4096)
def _is_separator(letter: str) -> bool:
    return letter in _SLASHES or not _SEPARATORS.isdisjoint(unicodedata.normalize("NFKC", letter))
