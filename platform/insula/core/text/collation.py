"""Sorting names as people expect: the Unicode Collation Algorithm, as keys that are compared byte by byte.

PostgreSQL's own order depends on its build and on the system's libraries: a database without ICU can
sort only by code points, and an upgrade of the libraries may reorder an index. So a key is stored
beside the name, in ``bytea``; the id orders rows with equal keys.

The weights are those of DUCET, Unicode's default table, which prefers no language: first the letters
count, then accents, then case; spaces and signs sort before letters. ``scripts/collation_table.py``
makes the table.
"""

import struct
import unicodedata
import zlib
from bisect import bisect_left
from functools import lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

LONGEST_KEY: Final = 240
"""Most bytes of a key, to keep index entries small. The id orders names that differ only after about 100 letters."""

_READ: Final = 120  # characters of the text that count
_COMMON_SECONDARY: Final = 0x20
_COMMON_TERTIARY: Final = 0x02
_LONGEST: Final = 3  # characters of a contraction
_HEAD: Final = 4
_ENTRY: Final = struct.Struct("<3I")
_ELEMENT: Final = struct.Struct("<3H")
_HAN: Final = ((0x4E00, 0x9FFF),)
_MORE_HAN: Final = ((0x3400, 0x4DBF), (0x20000, 0x323AF))
_OTHERS: Final = (  # scripts whose weights follow from the code point: first, last, lead weight
    (0x17000, 0x18AFF, 0xFB00),
    (0x18D00, 0x18D8F, 0xFB00),
    (0x1B170, 0x1B2FF, 0xFB01),
    (0x18B00, 0x18CFF, 0xFB02),
)


class _Weights(NamedTuple):
    """The weights that some characters add to each level of a key."""

    primary: bytes
    secondary: bytes
    tertiary: bytes


class _Table(NamedTuple):
    """DUCET, packed: each entry's characters in order, then the offsets of its weights, then the weights."""

    data: bytes
    size: int
    starters: frozenset[str]
    """Characters with which a contraction begins."""

    def find(self, characters: str) -> _Weights | None:
        """Return the weights of a character or contraction, or None if the table does not have it."""
        wanted = (*map(ord, characters), 0, 0)[:_LONGEST]
        index = bisect_left(range(self.size), wanted, key=self._characters)
        if index == self.size or self._characters(index) != wanted:
            return None
        offsets = _HEAD + _ENTRY.size * self.size
        begin, end = struct.unpack_from("<2I", self.data, offsets + 4 * index)
        weights = offsets + 4 * (self.size + 1)
        return _levels(*_ELEMENT.iter_unpack(self.data[weights + 6 * begin : weights + 6 * end]))

    def _characters(self, index: int) -> tuple[int, ...]:
        return _ENTRY.unpack_from(self.data, _HEAD + _ENTRY.size * index)


def sort_key(text: str) -> bytes:
    """Return the sort key of ``text``; keys are compared as bytes."""
    found = _of_characters(unicodedata.normalize("NFD", text[:_READ]))
    primary = b"".join(weights.primary for weights in found)
    # Common weights at the end of a level do not change the order; without them most keys are hardly longer than the
    # weights of their letters.
    secondary = b"".join(weights.secondary for weights in found).rstrip(b"\x01")
    tertiary = b"".join(weights.tertiary for weights in found).rstrip(b"\x02")
    return b"\0".join((primary, secondary, tertiary))[:LONGEST_KEY]


def _of_characters(text: str) -> list[_Weights]:
    found: list[_Weights] = []
    starters = _table().starters
    if starters.isdisjoint(text):
        return [*map(_of_character, text)]
    index = 0
    while index < len(text):
        if text[index] in starters and (contracted := _contraction(text, index)) is not None:
            length, weights = contracted
            found.append(weights)
            index += length
        else:
            found.append(_of_character(text[index]))
            index += 1
    return found


def _contraction(text: str, index: int) -> tuple[int, _Weights] | None:
    for length in range(_LONGEST, 1, -1):
        characters = text[index : index + length]
        if len(characters) == length and (weights := _weights_of_contraction(characters)) is not None:
            return length, weights
    return None


@lru_cache(maxsize=4096)
def _of_character(character: str) -> _Weights:
    return _table().find(character) or _implicit(character)


@lru_cache(maxsize=1024)
def _weights_of_contraction(characters: str) -> _Weights | None:
    return _table().find(characters)


def _implicit(character: str) -> _Weights:
    """Return the weights of a character that the table does not have: an ideograph, or one newer than the table."""
    code = ord(character)
    for first, last, lead in _OTHERS:
        if first <= code <= last:
            return _levels((lead, _COMMON_SECONDARY, _COMMON_TERTIARY), (code - first | 0x8000, 0, 0))
    base = 0xFB40 if _within(code, _HAN) else 0xFB80 if _within(code, _MORE_HAN) else 0xFBC0
    return _levels((base + (code >> 15), _COMMON_SECONDARY, _COMMON_TERTIARY), (code & 0x7FFF | 0x8000, 0, 0))


def _within(code: int, blocks: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in blocks)


def _levels(*elements: tuple[int, ...]) -> _Weights:
    """Return the elements' weights, level by level, without zero weights."""
    return _Weights(
        b"".join(primary.to_bytes(2, "big") for primary, _, _ in elements if primary),
        bytes(min(secondary - _COMMON_SECONDARY + 1, 0xFF) for _, secondary, _ in elements if secondary),
        bytes(tertiary for _, _, tertiary in elements if tertiary),
    )


@lru_cache(maxsize=1)
def _table() -> _Table:
    data = zlib.decompress(files("insula.core.text").joinpath("ducet.bin").read_bytes())
    (count,) = struct.unpack_from("<I", data)
    entries = _ENTRY.iter_unpack(data[_HEAD : _HEAD + _ENTRY.size * count])
    return _Table(data, count, frozenset(chr(first) for first, second, _ in entries if second))
