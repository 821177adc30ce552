"""The types of text in requests. Every schema takes its names, titles, texts and searches from here.

They are for what comes in. What goes out is ``str``: a row may be older than a rule.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from insula.core.text.lines import REFUSED, bare, is_visible, nfc, tidy

MAX_SEARCH: Final = 400
"""Longer than anything that is searched by: a title, an address, a host name."""

_SLACK: Final = 4  # how many times the greatest length is looked at: what is longer is refused as it is


@dataclass(frozen=True, slots=True)
class Line:
    """Marks a ``str`` as one line that people read: ``Annotated[str, Line(40)]``.

    It comes out in one spelling (see ``insula.core.text.lines``), shows something and holds no controls.
    """

    max_length: int

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema: spelled, measured, looked at."""
        lines = core_schema.str_schema(min_length=1, max_length=self.max_length, pattern=f"^[^{REFUSED}]+$")
        spelled = core_schema.no_info_before_validator_function(_spelling(tidy, self.max_length), lines)
        return core_schema.no_info_after_validator_function(_seen, spelled)


@dataclass(frozen=True, slots=True)
class FreeText:
    """Marks a ``str`` as text of any shape, in NFC: ``Annotated[str, FreeText(2_000)]``."""

    max_length: int

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema: spelled, measured."""
        texts = core_schema.str_schema(max_length=self.max_length)
        return core_schema.no_info_before_validator_function(_spelling(nfc, self.max_length), texts)


@dataclass(frozen=True, slots=True)
class Search:
    """Marks a ``str`` as text to look for, spelled as what is looked into."""

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema: spelled, measured."""
        texts = core_schema.str_schema(min_length=1, max_length=MAX_SEARCH)
        return core_schema.no_info_before_validator_function(_spelling(bare, MAX_SEARCH), texts)


Name = Annotated[str, Line(120)]
Title = Annotated[str, Line(200)]
SearchText = Annotated[str, Search()]


def _spelling(spell: Callable[[str], str], max_length: int) -> Callable[[object], object]:
    """Return ``spell`` for whatever a request holds: what is no text, or far too long, is left to the check."""

    def spelled(value: object) -> object:
        return spell(value) if isinstance(value, str) and len(value) <= _SLACK * max_length else value

    return spelled


def _seen(text: str) -> str:
    if not is_visible(text):
        raise ValueError("Value needs a character that can be seen")
    return text
