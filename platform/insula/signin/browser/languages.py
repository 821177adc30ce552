"""Chooses the language of the sign-in pages by ``Accept-Language`` (RFC 9110 section 12.5.4)."""

import re
from collections.abc import Iterable
from typing import Final

from insula.signin.browser.english import ENGLISH
from insula.signin.browser.german import GERMAN
from insula.signin.browser.texts import Texts

LANGUAGES: Final = {texts.language: texts for texts in (ENGLISH, GERMAN)}
"""The texts of each language, the default first."""

_RANGE: Final = re.compile(
    r"\s*([a-z]{1,8})(?:-[a-z0-9]{1,8})*\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?", re.IGNORECASE
)
_MOST: Final = 32


def texts_for(accepted: str) -> Texts:
    """Return the texts of the language that a header's value prefers, or English texts."""
    weights = dict[str, float]()
    for language, weight in _ranges(accepted):
        weights[language] = max(weight, weights.get(language, 0.0))
    best = max(LANGUAGES, key=lambda language: weights.get(language, 0.0))
    return LANGUAGES[best] if weights.get(best) else ENGLISH


def _ranges(accepted: str) -> Iterable[tuple[str, float]]:
    for item in accepted.split(",")[:_MOST]:
        if found := _RANGE.fullmatch(item):
            yield found[1].lower(), float(found[2] or 1)
