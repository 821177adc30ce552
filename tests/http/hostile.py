"""Hostile JSON bodies, numbers, times and texts."""

from insula.core.errors import AppError
from insula.http.errors import DuplicateKey, JsonTooComplex, MalformedJson, NumberOutOfRange, UnstorableText

REFUSED: list[tuple[str, bytes, type[AppError]]] = [
    ("NUL", rb'{"name": "a\u0000b"}', UnstorableText),
    ("NUL in a key", rb'{"a\u0000b": 1}', UnstorableText),
    ("lone high surrogate", rb'{"name": "\ud800"}', UnstorableText),
    ("lone low surrogate, deep", rb'{"name": [{"x": "\udfff"}]}', UnstorableText),
    ("raw NUL", b'{"name": "a\x00b"}', MalformedJson),
    ("NaN", b'{"ratio": NaN}', MalformedJson),
    ("Infinity", b'{"ratio": -Infinity}', MalformedJson),
    ("1e999", b'{"ratio": 1e999}', NumberOutOfRange),
    ("2^63", b'{"count": 9223372036854775808}', NumberOutOfRange),
    ("4,000 digits", b'{"count": ' + b"9" * 4000 + b"}", NumberOutOfRange),
    ("100,000 decimals", b'{"ratio": 0.' + b"9" * 100_000 + b"}", NumberOutOfRange),
    ("invalid UTF-8", b'{"name": "\xff"}', MalformedJson),
    ("encoded surrogate", b'{"name": "\xed\xa0\x80"}', MalformedJson),
    ("UTF-16", '{"name": "chair"}'.encode("utf-16"), MalformedJson),
    ("UTF-16 without a mark", '{"name": "chair"}'.encode("utf-16-le"), MalformedJson),
    ("UTF-8 with a mark", b'\xef\xbb\xbf{"name": "chair"}', MalformedJson),
    ("duplicate keys", b'{"name": "a", "name": "b"}', DuplicateKey),
    ("100,000 deep", b"[" * 100_000 + b"]" * 100_000, JsonTooComplex),
    ("65 deep", b"[" * 65 + b"]" * 65, JsonTooComplex),
    ("objects 65 deep", b'{"a":' * 65 + b"1" + b"}" * 65, JsonTooComplex),
    ("a million elements", b"[" + b",".join([b"1"] * 1_000_000) + b"]", JsonTooComplex),
    ("truncated", b'{"name": ', MalformedJson),
    ("two values", b"{} {}", MalformedJson),
]

_DIGITS = "9" * 4000
NUMBERS = ("-1", str(-(2**31) - 1), str(2**31), str(2**63), str(2**64), _DIGITS, "1e999", "NaN", "0x10", "")
MOMENTS = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-30T00:00:00", "10000-01-01T00:00:00Z")
TEXTS = (
    "'; DROP TABLE rack; --",
    "%' OR 1=1 --",
    "\\",
    "_%_%",
    "\u202e\u0000"[:1],
    "\ufeff\U0010ffff",
    "x" * 9000,
    "{}[]()*+?.^$|",
)
