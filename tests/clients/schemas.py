"""Compare two versions of a schema, as the side that sends it or as the side that reads it.

A client sends requests and reads responses. A request breaks if the server accepts less than before; a response breaks
if the client may get something that it did not expect, or not get something that it relied on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Schema = Mapping[str, Any]
Document = Mapping[str, Any]
Side = Literal["request", "response", "problem"]

_LOWER_BOUNDS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_BOUNDS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_OTHER_RULES: Final = ("pattern", "format", "multipleOf")
_NULL: Final[Schema] = {"type": "null"}


def resolved(document: Document, part: Schema) -> tuple[Schema, str | None]:
    """Follow the references of a part of a document; return the part and the last component's name."""
    name = None
    while "$ref" in part:
        *path, name = str(part["$ref"]).removeprefix("#/").split("/")
        found: Any = document
        for key in (*path, name):
            found = found[key.replace("~1", "/").replace("~0", "~")]
        part = found
    return part, name


@dataclass(slots=True)
class Comparison:
    """Compares the schemas of two documents. A pair of components is compared once for each side."""

    before: Document
    after: Document
    _seen: set[tuple[str | None, str | None, Side]] = field(default_factory=set)

    def breaks(self, old: Schema, new: Schema, where: str, side: Side) -> Iterator[str]:
        """Yield the breaking differences between two schemas."""
        old, old_name = resolved(self.before, old)
        new, new_name = resolved(self.after, new)
        if old_name and new_name:
            if (old_name, new_name, side) in self._seen:
                return
            self._seen.add((old_name, new_name, side))
            where = f"{new_name} ({side})"
        yield from self._kinds(old, new, where, side)

    def _kinds(self, old: Schema, new: Schema, where: str, side: Side) -> Iterator[str]:
        before, after = self._variants(self.before, old), self._variants(self.after, new)
        if len(before) == len(after) == 1:
            (old_kind,), (new_kind,) = before, after
            if old_kind != new_kind:
                yield f"{where}: the type was {old_kind}, is {new_kind}"
            else:
                yield from self._same_kind(before[old_kind], after[new_kind], where, side)
            return
        lost, added = before.keys() - after.keys(), after.keys() - before.keys()
        if side == "request":
            yield from (f"{where}: no longer accepts {kind}" for kind in sorted(lost))
        else:
            yield from (f"{where}: may be {kind} now" for kind in sorted(added))
        for kind in sorted(before.keys() & after.keys()):
            yield from self._same_kind(before[kind], after[kind], where, side)

    def _variants(self, document: Document, schema: Schema) -> Mapping[str, Schema]:
        """Return the alternatives of a schema, by their types; components by their names, if there are several."""
        found: dict[str, Schema] = {}
        for each in schema.get("anyOf") or schema.get("oneOf") or [schema]:
            part = _merged(document, each)
            if part != schema and ("anyOf" in part or "oneOf" in part):
                found |= self._variants(document, part)
                continue
            for kind in _types(part):
                title = f"{kind} {part['title']}" if kind == "object" and kind in found and "title" in part else kind
                found[title] = _NULL if kind == "null" else part
        return found

    def _same_kind(self, old: Schema, new: Schema, where: str, side: Side) -> Iterator[str]:
        yield from _values(old, new, where, side)
        if side == "request":
            yield from _rules(old, new, where)
        if "items" in old and "items" in new:
            yield from self.breaks(old["items"], new["items"], f"{where}[]", side)
        if isinstance(old.get("additionalProperties"), Mapping) and isinstance(
            new.get("additionalProperties"), Mapping
        ):
            yield from self.breaks(old["additionalProperties"], new["additionalProperties"], f"{where}.*", side)
        yield from self._properties(old, new, where, side)

    def _properties(self, old: Schema, new: Schema, where: str, side: Side) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
        yield from (f"{where}.{name}: removed" for name in before if name not in after)
        for name in after:
            place = f"{where}.{name}"
            if side == "request" and name in is_required - was_required:
                yield f"{place}: required now"
            if side != "request" and name in was_required - is_required:
                yield f"{place}: may be missing now"
            if name in before:
                yield from self.breaks(before[name], after[name], place, side)


def _merged(document: Document, schema: Schema) -> Schema:
    """Follow references, and return a schema with ``allOf`` as one: later parts add to earlier ones."""
    part, _ = resolved(document, schema)
    if "allOf" not in part:
        return part
    every = [*(_merged(document, each) for each in part["allOf"]), {**part, "allOf": ()}]
    whole: dict[str, Any] = {}
    for each in every:
        properties = {**whole.get("properties", {}), **each.get("properties", {})}
        required = [*whole.get("required", ()), *each.get("required", ())]
        whole |= {name: value for name, value in each.items() if name != "allOf"}
        whole |= {"properties": properties, "required": required}
    return whole


def _types(schema: Schema) -> Iterator[str]:
    kind = schema.get("type")
    if isinstance(kind, list):
        yield from map(str, kind)
    elif kind:
        yield str(kind)
    elif "const" in schema or "enum" in schema:
        yield from {_NAMES[type(value)] for value in _enumerated(schema) or ()}
    else:
        yield "object" if "properties" in schema else "anything"


_NAMES: Final[Mapping[type, str]] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    float: "number",
    type(None): "null",
}


def _values(old: Schema, new: Schema, where: str, side: Side) -> Iterator[str]:
    """Yield the changes of an enum. An error may get a new code: its status says what to do with an unknown one."""
    before, after = _enumerated(old), _enumerated(new)
    if before is None and after is None:
        return
    if side == "request":
        if before is None:
            yield f"{where}: accepts only {', '.join(map(str, after or ()))} now"
        elif after is not None:
            yield from (f"{where}: no longer accepts {value}" for value in before if value not in after)
    elif after is None:
        yield f"{where}: may be any {new.get('type')} now"
    elif before is not None and side == "response":
        yield from (f"{where}: may be {value} now" for value in after if value not in before)


def _enumerated(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return None if values is None else list(values)


def _rules(old: Schema, new: Schema, where: str) -> Iterator[str]:
    """Yield the rules for a value of a request that became stricter."""
    for rule in _LOWER_BOUNDS:
        if rule in new and new[rule] > old.get(rule, float("-inf")):
            yield f"{where}: {rule} is {new[rule]} now"
    for rule in _UPPER_BOUNDS:
        if rule in new and new[rule] < old.get(rule, float("inf")):
            yield f"{where}: {rule} is {new[rule]} now"
    for rule in _OTHER_RULES:
        if rule in new and new[rule] != old.get(rule):
            yield f"{where}: {rule} is {new[rule]} now"
