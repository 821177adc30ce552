"""Breaking changes between two versions of a document: those that a client in use, or one generated anew, notices.

Additions are no breaks, with one exception: a new value of an enum in a successful response, which clients must know
how to show. A renamed operation or schema is a break, since generated clients use the names.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.clients.schemas import Comparison, Document, Schema, Side, resolved

_METHODS: Final = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
_FIRST_ERROR: Final = 400
_NOTHING: Final = ""
"""The credential of an operation that needs none."""


def breaks(before: Mapping[str, Document], after: Mapping[str, Document]) -> list[str]:
    """Return the breaking changes in a set of documents; each begins with the document's name."""
    found = [f"{name}: the document is gone" for name in before if name not in after]
    for name in before:
        if name in after:
            found += [f"{name}: {each}" for each in _in_document(before[name], after[name])]
    return found


def _in_document(before: Document, after: Document) -> Iterator[str]:
    old, new = dict(_operations(before)), dict(_operations(after))
    comparison = Comparison(before, after)
    for where, operation in old.items():
        if where not in new:
            yield f"{where}: removed"
        else:
            yield from _Operation(comparison, where, operation, new[where]).breaks()
    schemas = [document.get("components", {}).get("schemas", {}) for document in (before, after)]
    yield from (f"schema {name}: removed or renamed" for name in schemas[0] if name not in schemas[1])


def _operations(document: Document) -> Iterator[tuple[str, Schema]]:
    for path, operations in document["paths"].items():
        shared = operations.get("parameters", [])
        for method in _METHODS:
            if method in operations:
                operation = operations[method]
                parameters = [*shared, *operation.get("parameters", [])]
                yield f"{method.upper()} {path}", {**operation, "parameters": parameters}


class _Operation:
    """Two versions of an operation."""

    def __init__(self, comparison: Comparison, where: str, old: Schema, new: Schema) -> None:
        self._comparison = comparison
        self._before, self._after = comparison.before, comparison.after
        self._where, self._old, self._new = where, old, new

    def breaks(self) -> Iterator[str]:
        """Yield the breaking changes."""
        old_id, new_id = self._old.get("operationId"), self._new.get("operationId")
        if old_id != new_id:
            yield f"{self._where}: the operation was called {old_id}, is called {new_id}"
        yield from self._security()
        yield from self._parameters()
        yield from self._request()
        yield from self._responses()

    def _security(self) -> Iterator[str]:
        """Yield the credentials and scopes that no longer suffice."""
        old, new = self._ways(self._before, self._old), self._ways(self._after, self._new)
        for way, scopes in old.items():
            if way in new:
                yield from (f"{self._where}: needs the scope {scope} now" for scope in sorted(new[way] - scopes))
            elif way and _NOTHING not in new:
                yield f"{self._where}: the credential {way} no longer suffices"
            elif not way:
                yield f"{self._where}: needs a credential now"

    @staticmethod
    def _ways(document: Document, operation: Schema) -> Mapping[str, frozenset[str]]:
        required = operation.get("security", document.get("security", []))
        ways = {
            " and ".join(sorted(way)): frozenset(scope for scopes in way.values() for scope in scopes)
            for way in required
        }
        return ways or {_NOTHING: frozenset()}

    def _parameters(self) -> Iterator[str]:
        old, new = self._named(self._before, self._old), self._named(self._after, self._new)
        yield from (f"{self._where}: the parameter {name} is removed" for name in old if name not in new)
        for name, parameter in new.items():
            if parameter.get("required") and not old.get(name, {}).get("required"):
                yield f"{self._where}: the parameter {name} is required now"
            if name in old:
                yield from self._compared(old[name], parameter, f"{self._where} {name}", "request")

    @staticmethod
    def _named(document: Document, operation: Schema) -> Mapping[str, Schema]:
        parameters = [resolved(document, each)[0] for each in operation["parameters"]]
        return {f"{each['name']} ({each['in']})": each for each in parameters}

    def _request(self) -> Iterator[str]:
        old, _ = resolved(self._before, self._old.get("requestBody", {}))
        new, _ = resolved(self._after, self._new.get("requestBody", {}))
        if new.get("required") and not old.get("required"):
            yield f"{self._where}: the body is required now"
        yield from self._contents(old, new, f"{self._where} body", "request")

    def _responses(self) -> Iterator[str]:
        old, new = self._old["responses"], self._new["responses"]
        for status in old:
            is_error = status.isdigit() and int(status) >= _FIRST_ERROR
            if status in new:
                before, _ = resolved(self._before, old[status])
                after, _ = resolved(self._after, new[status])
                side: Side = "problem" if is_error else "response"
                yield from self._contents(before, after, f"{self._where} {status}", side)
                yield from self._headers(before, after, f"{self._where} {status}")
            elif not is_error:
                yield f"{self._where}: the response {status} is removed"
        for status in new:
            if status not in old and not (status.isdigit() and int(status) >= _FIRST_ERROR):
                yield f"{self._where}: the response {status} is new"

    def _headers(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        present = {name.lower() for name in new.get("headers", {})}
        yield from (
            f"{where}: the header {name} is removed" for name in old.get("headers", {}) if name.lower() not in present
        )

    def _contents(self, old: Schema, new: Schema, where: str, side: Side) -> Iterator[str]:
        before, after = old.get("content", {}), new.get("content", {})
        for kind, content in before.items():
            if kind not in after:
                yield f"{where}: {kind} is removed"
            else:
                yield from self._compared(content, after[kind], where, side)

    def _compared(self, old: Schema, new: Schema, where: str, side: Side) -> Iterator[str]:
        if "schema" in old and "schema" in new:
            yield from self._comparison.breaks(old["schema"], new["schema"], where, side)
