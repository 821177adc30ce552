"""Base 36 in lower case, of fixed length, with a checksum that detects typing errors: a double click selects it all."""

import re
import zlib
from typing import Final

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE: Final = len(_DIGITS)
_CHECK: Final = 7  # digits of 32 bits


def written(number: int, length: int) -> str:
    """Return ``number`` in ``length`` digits."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, _BASE)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def read(digits: str) -> int:
    """Return the number of these digits."""
    return int(digits, _BASE)


def with_checksum(body: str) -> str:
    """Append the checksum of ``body``."""
    return f"{body}_{written(zlib.crc32(body.encode()), _CHECK)}"


def is_intact(text: str, pattern: "re.Pattern[str]") -> bool:
    """Return whether ``text`` has the form of ``pattern`` and ends in the checksum of the rest."""
    if not pattern.fullmatch(text):
        return False
    body, _, checksum = text.rpartition("_")
    return read(checksum) == zlib.crc32(body.encode())
