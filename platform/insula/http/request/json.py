"""Strict JSON: what cannot be stored, or would cost much to look at, is refused while it is read.

Python's own reader takes NaN, 1e999, duplicate keys, half surrogate pairs and UTF-16. Each of these
ends as a 500 further in, or means two things to two readers.
"""

import asyncio
import json
import math
from typing import Never
from weakref import WeakKeyDictionary

from pydantic_core import from_json
from starlette.requests import Request

from insula.core.errors import AppError
from insula.http.errors import DuplicateKey, JsonTooComplex, MalformedJson, NumberOutOfRange, Refusal, UnstorableText

MAX_DEPTH = 64
MAX_VALUES = 10_000
MAX_MEMBERS = 1_024
"""Of one object. Each that a schema does not know is an error of its own, and costs as much as reading a hundred."""
_LARGE = 4_096
"""Bytes from which on bodies are read one at a time, so that many do not stall the event loop together."""
_TURNS_BETWEEN = 3  # of the event loop, in which a small request is answered
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**63 - 1
_MAX_DIGITS = 20  # of a 64-bit integer, with its sign
_LOCKS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_MAX_FLOAT_LENGTH = 400  # the longest double, written out, has fewer; reading a longer one costs more than a glance


class StrictRequest(Request):
    """A request whose ``json()`` is strict. The route classes make it."""

    async def json(self) -> object:
        """Return the body as JSON. Raises Refusal, a 4xx, for what is not strictly JSON."""
        body = await self.body()
        try:
            if len(body) < _LARGE:
                return strict_json(body)
            async with _turns():
                try:
                    return strict_json(body)
                finally:
                    for _ in range(_TURNS_BETWEEN):
                        await asyncio.sleep(0)
        except AppError as error:
            raise Refusal(error) from None


def _turns() -> asyncio.Lock:
    """Return the lock of this event loop."""
    return _LOCKS.setdefault(asyncio.get_running_loop(), asyncio.Lock())


def strict_json(body: bytes) -> object:
    """Return the value of ``body``.

    Raises MalformedJson, DuplicateKey, JsonTooComplex, NumberOutOfRange or UnstorableText; none of
    them repeats what was sent.
    """
    try:
        text = body.decode()
        _glance(text, body)
        value = _DECODER.decode(text)
    except UnicodeDecodeError:
        raise MalformedJson from None
    except json.JSONDecodeError as error:
        raise MalformedJson(f"Not valid JSON at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise JsonTooComplex from None
    if "\\u" in text:  # the only way to write NUL or half a surrogate pair in valid UTF-8
        _check_texts(value)
    return value


def _glance(text: str, body: bytes) -> None:
    """Raise JsonTooComplex for what would cost the other decoder much, after a tenth of its time.

    Only that decoder finds duplicate keys, and its hooks run in Python for each object and number.
    """
    if text.count("[") + text.count("{") <= MAX_DEPTH and text.count(",") < MAX_VALUES:
        return
    try:
        value = from_json(body)
    except ValueError as error:
        if "recursion limit" in str(error):
            raise JsonTooComplex from None
        raise MalformedJson from None
    _check_complexity(value)


def check_text(text: str) -> None:
    """Raise UnstorableText when PostgreSQL, or UTF-8, cannot hold ``text``."""
    if "\0" in text or not _encodable(text):
        raise UnstorableText


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(pairs) > MAX_MEMBERS:
        raise JsonTooComplex
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DuplicateKey
    return found


def _float(digits: str) -> float:
    if len(digits) > _MAX_FLOAT_LENGTH or not math.isfinite(number := float(digits)):
        raise NumberOutOfRange
    return number


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS or not _MIN_INTEGER <= (number := int(digits)) <= _MAX_INTEGER:
        raise NumberOutOfRange
    return number


def _constant(_name: str) -> Never:
    raise MalformedJson("NaN and Infinity are not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_int=_integer, parse_constant=_constant)


def _check_complexity(value: object) -> None:
    level, depth, values = [value], 0, 1
    while level := [node for node in level if isinstance(node, dict | list)]:
        depth += 1
        values += sum(map(len, level))
        if depth > MAX_DEPTH or values > MAX_VALUES:
            raise JsonTooComplex
        level = [child for node in level for child in (node.values() if isinstance(node, dict) else node)]


def _check_texts(value: object) -> None:
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, str):
            check_text(node)
        elif isinstance(node, dict):
            pending.extend(node.keys())
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
