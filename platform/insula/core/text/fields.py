"""Types for text in requests. Every schema uses them for names, titles, texts and searches.

They are for input. Output uses ``str``, because a row may be older than a rule.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from insula.core.text.lines import REFUSED, is_visible, nfc, normalize_line, remove_invisible

MAX_SEARCH: Final = 400
"""Longer than any searched text: a title, an email address, a host name."""

_SLACK: Final = 4  # text longer than this many times the maximum is refused without normalizing it


@dataclass(frozen=True, slots=True)
class Line:
    """Marks a ``str`` as one line that people read: ``Annotated[str, Line(40)]``.

    It is normalized (see ``insula.core.text.lines``), must be visible and hold no control characters.
    """

    max_length: int

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema: normalize, check the length and the characters, check that it is visible."""
        lines = core_schema.str_schema(min_length=1, max_length=self.max_length, pattern=f"^[^{REFUSED}]+$")
        normalized = core_schema.no_info_before_validator_function(_normalizer(normalize_line, self.max_length), lines)
        return core_schema.no_info_after_validator_function(_visible, normalized)


@dataclass(frozen=True, slots=True)
class FreeText:
    """Marks a ``str`` as free text, normalized to NFC: ``Annotated[str, FreeText(2_000)]``."""

    max_length: int

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema: normalize, check the length."""
        texts = core_schema.str_schema(max_length=self.max_length)
        return core_schema.no_info_before_validator_function(_normalizer(nfc, self.max_length), texts)


@dataclass(frozen=True, slots=True)
class Search:
    """Marks a ``str`` as text to search for, normalized like the text that is searched."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema: normalize, check the length."""
        texts = core_schema.str_schema(min_length=1, max_length=MAX_SEARCH)
        return core_schema.no_info_before_validator_function(_normalizer(remove_invisible, MAX_SEARCH), texts)


Name = Annotated[str, Line(120)]
Title = Annotated[str, Line(200)]
SearchText = Annotated[str, Search()]


def _normalizer(normalize: Callable[[str], str], max_length: int) -> Callable[[object], object]:
    """Return a validator that normalizes text; it leaves other types, and far too long text, to the schema."""

    def normalized(value: object) -> object:
        return normalize(value) if isinstance(value, str) and len(value) <= _SLACK * max_length else value

    return normalized


def _visible(text: str) -> str:
    if not is_visible(text):
        raise ValueError("Value must contain a visible character")
    return text
