"""Strict JSON: the parser refuses values that cannot be stored, and bodies that would cost much CPU.

Python's own parser accepts NaN, 1e999, duplicate keys, half surrogate pairs and UTF-16. Each of these
would cause a 500 later, or be understood differently by two parsers.
"""

import asyncio
import json
import math
from typing import Never
from weakref import WeakKeyDictionary

from pydantic_core import from_json
from starlette.requests import Request

from insula.core.errors import AppError
from insula.http.errors import BodyError, DuplicateKey, JsonTooComplex, MalformedJson, NumberOutOfRange, UnstorableText

MAX_DEPTH = 64
MAX_VALUES = 10_000
MAX_MEMBERS = 1_024
"""The most members of one object. Each unknown member is an error of its own, which costs as much as parsing 100."""
_LARGE = 4_096
"""Bodies of at least so many bytes are parsed one at a time, so that many together do not stall the event loop."""
_TURNS_BETWEEN = 3  # turns of the event loop between two large bodies, in which a small request is answered
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**63 - 1
_MAX_DIGITS = 20  # of a 64-bit integer, with its sign
_LOCKS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_MAX_FLOAT_LENGTH = 400  # the longest double, written out, has fewer characters; parsing a longer text would cost much


class StrictRequest(Request):
    """A request whose ``json()`` is strict. The route classes pass it to FastAPI."""

    async def json(self) -> object:
        """Return the parsed body. Raises BodyError, a 4xx, if it is not strict JSON."""
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
            raise BodyError(error) from None


def _turns() -> asyncio.Lock:
    """Return the lock of this event loop."""
    return _LOCKS.setdefault(asyncio.get_running_loop(), asyncio.Lock())


def strict_json(body: bytes) -> object:
    """Return the value of ``body``.

    Raises MalformedJson, DuplicateKey, JsonTooComplex, NumberOutOfRange or UnstorableText, whose texts
    never quote the body.
    """
    try:
        text = body.decode()
        _precheck(text, body)
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


def _precheck(text: str, body: bytes) -> None:
    """Raise JsonTooComplex early for a body that would cost ``_DECODER`` much, in a tenth of its time.

    Only ``_DECODER`` finds duplicate keys, and its hooks run in Python for each object and number.
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
    """Raise UnstorableText if PostgreSQL cannot store ``text``, or UTF-8 cannot encode it."""
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
