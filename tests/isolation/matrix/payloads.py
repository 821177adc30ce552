"""What else is in the request: nothing special, fields that nobody asked for, SQL, an encoded path."""

from collections.abc import Mapping
from typing import Final, Literal

from tests.isolation.matrix.positions import SEARCH, SORT
from tests.isolation.matrix.routes import LiveRoute

Payload = Literal["plain", "extra fields", "SQL", "SQL in sort_by", "encoded letter", "encoded slash"]
PLAIN: Final[Payload] = "plain"
EXTRA: Final[Payload] = "extra fields"
SQL: Final[Payload] = "SQL"
SORTED: Final[Payload] = "SQL in sort_by"
LETTER: Final[Payload] = "encoded letter"
SLASH: Final[Payload] = "encoded slash"

INJECTION: Final = "x' OR '1'='1'; DROP TABLE project; --"
_SMUGGLED: Final = ("tenant_id", "role", "is_staff")


def payloads_of(route: LiveRoute) -> tuple[Payload, ...]:
    """Return what applies to the route."""
    found: list[Payload] = [PLAIN]
    if route.body is not None or route.queries:
        found.append(EXTRA)
    if _text_fields(route) or SEARCH in route.queries:
        found.append(SQL)
    if SORT in route.queries:
        found.append(SORTED)
    if route.mount:
        found += [LETTER, SLASH]
    return tuple(found)


def smuggled(route: LiveRoute, tenant_id: str) -> Mapping[str, object]:
    """Return fields that the route's body does not have, with what an attacker would like."""
    values = {"tenant_id": tenant_id, "role": "owner", "is_staff": True}
    known = set(route.body.model_fields) if route.body is not None else set(route.queries)
    return {name: values[name] for name in _SMUGGLED if name not in known}


def injected(route: LiveRoute, body: Mapping[str, object]) -> dict[str, object]:
    """Return the body with SQL in every text that is not an id."""
    return {name: INJECTION if name in _text_fields(route) else value for name, value in body.items()}


def encoded(path: str, payload: Payload) -> str:
    """Return the path as another spelling of the same."""
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
