"""The rest of the request: nothing special, extra fields, SQL, or an encoded path."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal
from uuid import uuid4

from tests.isolation.matrix.positions import SEARCH, SORT
from tests.isolation.matrix.routes import LiveRoute

Payload = Literal[
    "plain", "extra fields", "SQL", "SQL as free text", "SQL in sort_by", "encoded letter", "encoded slash"
]
PLAIN: Final[Payload] = "plain"
EXTRA: Final[Payload] = "extra fields"
SQL: Final[Payload] = "SQL"
FREE: Final[Payload] = "SQL as free text"
"""Only in fields that accept any text: the rightful caller must succeed with it."""

SORTED: Final[Payload] = "SQL in sort_by"
LETTER: Final[Payload] = "encoded letter"
SLASH: Final[Payload] = "encoded slash"

INJECTION: Final = "x' OR '1'='1'; DROP TABLE rack; --"
_SMUGGLED: Final = ("tenant_id", "role", "is_staff")
_WORDS: Final = frozenset({"host", "locale", "plan", "role", "slug", "time_zone"})
"""Text fields whose value must name something that exists, or have a certain form."""


def payloads_of(route: LiveRoute) -> tuple[Payload, ...]:
    """Return the payloads that apply to the route."""
    found: list[Payload] = [PLAIN]
    if route.body is not None or route.queries:
        found.append(EXTRA)
    if _text_fields(route) or SEARCH in route.queries:
        found.append(SQL)
    if route.guard is not None and _takes_text(route):
        found.append(FREE)
    if SORT in route.queries:
        found.append(SORTED)
    if route.mount:
        found += [LETTER, SLASH]
    return tuple(found)


def smuggled(route: LiveRoute, tenant_id: str) -> Mapping[str, object]:
    """Return fields that the route's body does not have, with values that would help an attacker."""
    values = {"tenant_id": tenant_id, "role": "owner", "is_staff": True}
    known = set(route.body.model_fields) if route.body is not None else set(route.queries)
    return {name: values[name] for name in _SMUGGLED if name not in known}


def injected(route: LiveRoute, body: Mapping[str, object]) -> dict[str, object]:
    """Return the body with SQL in every text field that is not an id."""
    return {name: INJECTION if name in _text_fields(route) else value for name, value in body.items()}


def written(route: LiveRoute, body: Mapping[str, object]) -> dict[str, object]:
    """Return the body with SQL in every field that accepts any text, also in fields without an example."""
    schema: Mapping[str, Any] = route.body.model_json_schema() if route.body is not None else {}
    found = {**body, **{name: f"{uuid4().hex[:8]} {INJECTION}" for name in _free(schema)}}
    for name, nested in _nested(schema):
        if isinstance(listed := found.get(name), list):
            found[name] = [{**each, **dict.fromkeys(_free(nested), INJECTION)} for each in listed]
    return found


def encoded(path: str, payload: Payload) -> str:
    """Return another spelling of the same path."""
    if payload == LETTER:
        return f"/%{ord(path[1]):02x}{path[2:]}"
    if payload == SLASH:
        at = path.index("/", 1)
        return f"{path[:at]}%2F{path[at + 1 :]}"
    return path


def _text_fields(route: LiveRoute) -> frozenset[str]:
    if route.body is None:
        return frozenset()
    properties = route.body.model_json_schema().get("properties", {})
    return frozenset(
        name for name, schema in properties.items() if schema.get("type") == "string" and not schema.get("format")
    )


def _takes_text(route: LiveRoute) -> bool:
    schema: Mapping[str, Any] = route.body.model_json_schema() if route.body is not None else {}
    return any(True for one in (schema, *(nested for _, nested in _nested(schema))) for _ in _free(one))


def _free(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the fields of an object that accept any text, except ids and secrets."""
    for name, field in schema.get("properties", {}).items():
        declared = next((one for one in field.get("anyOf", [field]) if one.get("type") != "null"), field)
        any_text = declared.get("type") == "string" and not {"format", "enum", "const", "pattern"} & set(declared)
        if any_text and name not in _WORDS and not name.endswith(("password", "token")):
            yield name


def _nested(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the fields that are lists of objects, with the objects' schemas."""
    for name, field in schema.get("properties", {}).items():
        reference = field.get("items", {}).get("$ref", "") if field.get("type") == "array" else ""
        if reference:
            yield name, schema["$defs"][reference.rpartition("/")[2]]
