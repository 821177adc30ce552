"""Hand-written cases: each value of faults 50 and 51 (tests/faults) in every field; no generator finds these.

A field is a body's property, a query or path parameter, or a header that the product reads.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from tests.fuzz.documents import NOWHERE, AnyCase, Operation
from tests.http.hostile import MOMENTS, NUMBERS, REFUSED, TEXTS

JSON: Final = "application/json"
_HOLE: Final = "\ue000hole"
_LETTERS: Final = (
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\tTAB",
    "../../../etc/passwd",
    "..\\..\\boot.ini",
    "/etc/passwd",
    "C:\\con",
    "a" * 300 + ".txt",
    "a\r\nSet-Cookie: x=1",
    "\u0430cme",  # a Cyrillic a
    "\uff41\uff43\uff4d\uff45",  # full width
    "xn--acme-",
    "admin",
    "api",
    "www",
    "..",
    "\u202egnp.exe",
    "\u200b",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "e\u0301" * 60,
    "İ",
    "ﬃ",
    "%00",
    "%s%n",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "0" * 64,
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "9999-12-31T23:59:59Z",
    "2026-02-30T00:00:00Z",
    "-1",
    "1e999",
)
_FRAGMENTS: Final = (
    rb'"a\u0000b"',
    rb'"\ud800"',
    rb'"\udfff\ud800"',
    rb'"\uffff\ufffe"',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"1e400",
    b"-0.0",
    b"1.5",
    b"2147483647",
    b"2147483648",
    b"-2147483649",
    b"9007199254740993",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"9" * 4000,
    b"true",
    b"null",
    b"[]",
    b"{}",
    b"[[[]]]",
    b'["a"]',
    b'{"a": "b"}',
    b'""',
    b'" "',
    b'"' + b"x" * 100_000 + b'"',
    b"[" * 60 + b"]" * 60,
    b"[" + b",".join([b"1"] * 50_000) + b"]",
)
_HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "X-Tenant": ("", "*", "a" * 255, "a" * 256, "é", "..", "00000000-0000-0000-0000-000000000000", "admin"),
    "If-Match": ('"0"', '"999999999999999999"', '"9999999999999999999"', 'W/"1"', "1", '"1",', '"1", "2"', "é", ""),
    "If-None-Match": ('"1"', "*", "é"),
    "Idempotency-Key": ("", "é", "a" * 255, "a" * 256, "a b", '"quoted"'),
    "Range": ("bytes=0-0", "bytes=-1", "bytes=0-99999999999999999999", "bytes=" + ",".join(["0-0"] * 1000)),
    "Accept": ("", "*/*;q=x", "application/xml", "a" * 8000),
    "Accept-Encoding": ("gzip", "br;q=1", "gzip;q=9", "*"),
    "Accept-Language": ("tlh", "*" * 500),
    "Host": ("evil.example.com", "a b", "localhost:99999", "[::1", "xn--"),
    "Content-Type": ("text/plain", "application/xml", "application/json; charset=utf-16", "multipart/form-data", "/"),
    "Origin": ("null", "https://evil.example.com"),
    "X-HTTP-Method-Override": ("DELETE",),
    "X-API-Key": ("", "insula_", "é", "a" * 5000),
    "Cookie": ("session=" + "a" * 4_000, "a" * 20_000),
    "Expect": ("100-continue",),
    "Content-Encoding": ("gzip", "br"),
}
_NORMALISED: Final = frozenset({"", ".."})  # in a path, these would reach another operation
_WHOLE: Final = (b"", b"null", b"[]", b'"text"', b"1", b"{", b"\xef\xbb\xbf{}", b"{}" * 2, b'{"__proto__": {}}')
_FLOOD: Final = b"".join(b'--x\r\ncontent-disposition: form-data; name="f"\r\n\r\n1\r\n' for _ in range(3_000))


def planted(operation: Operation) -> Iterator[AnyCase]:
    """Yield the cases of ``operation``; the caller puts ids into the path."""
    values = (*NUMBERS, *MOMENTS, *TEXTS, *_LETTERS)
    for parameter in operation.definition.get("parameters", ()):
        name = parameter["name"]
        if parameter["in"] == "query":
            for value in values:
                yield _case(operation, query={name: value})
            yield _case(operation, query={name: ["1", "2"]})
        elif parameter["in"] == "path":
            for value in values:
                if value not in _NORMALISED:
                    yield _case(operation, path={name: quote(value, safe="")})
    yield _case(operation, query={f"unknown{number}": "1" for number in range(500)})
    for name, found in _HEADERS.items():
        for value in found:
            yield _case(operation, headers={name: value}, body=_body(operation))
    if "requestBody" in operation.definition:
        yield from _bodies(operation)


def _bodies(operation: Operation) -> Iterator[AnyCase]:
    yield _case(operation, body=_body(operation))
    for whole in (*_WHOLE, *(row[1] for row in REFUSED)):
        yield _case(operation, body=whole)
    for kind in ("multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/csv"):
        yield _case(operation, headers={"Content-Type": kind}, body=_FLOOD)
    example = (examples_of(operation) or ({},))[0]
    fragments = (*_FRAGMENTS, *(json.dumps(text).encode() for text in (*_LETTERS, *MOMENTS, *TEXTS)))
    for name in example:
        holed = json.dumps({**example, name: _HOLE}, ensure_ascii=False).encode()
        for fragment in fragments:
            yield _case(operation, body=holed.replace(f'"{_HOLE}"'.encode(), fragment))
        yield _case(operation, body=json.dumps({n: v for n, v in example.items() if n != name}).encode())
        yield _case(operation, body=json.dumps({**example, f"{name}_": 1}).encode())
        twice = json.dumps(example).encode()[:-1] + b", " + json.dumps({name: 1}).encode()[1:]
        yield _case(operation, body=twice)


def examples_of(operation: Operation) -> tuple[dict[str, Any], ...]:
    """Return the examples of the operation's body; none if it has no body."""
    content = operation.definition.get("requestBody", {}).get("content", {}).get(JSON, {})
    name = content.get("schema", {}).get("$ref", "").rsplit("/", 1)[-1]
    schemas = operation.api_operation.schema.raw_schema["components"]["schemas"]
    return tuple(schemas.get(name, {}).get("examples", ()))


def _body(operation: Operation) -> bytes | None:
    examples = examples_of(operation)
    return json.dumps(examples[0]).encode() if examples else None


def _case(
    operation: Operation,
    *,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> AnyCase:
    names = [part["name"] for part in operation.definition.get("parameters", ()) if part["in"] == "path"]
    parts = dict.fromkeys(names, NOWHERE) | dict(path or {})
    given: dict[str, Any] = {"path_parameters": parts, "query": dict(query or {}), "headers": dict(headers or {})}
    if body is not None:
        given |= {"body": body, "media_type": JSON}
    return operation.api_operation.Case(**given)
