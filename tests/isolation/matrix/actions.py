"""Derives the action that a route must require from its path and method, to find a guard that requires less.

Taken from the guard itself, every action would look right.
"""

from collections.abc import Mapping
from typing import Final

from tests.isolation.matrix.holders import label_of
from tests.isolation.matrix.routes import LiveRoute
from tests.support.apps import INSTALLATION

_VERBS: Final[Mapping[str, str]] = {
    "GET": "read",
    "POST": "create",
    "PUT": "update",
    "PATCH": "update",
    "DELETE": "delete",
}
IRREGULAR: Final[Mapping[str, str]] = {
    f"{method} {app.mount}{template}": action
    for app in INSTALLATION.apps
    for resource in app.resources
    for (method, _, template), action in (
        (route.partition(" "), said) for route, said in resource.attack.actions.items()
    )
}
"""Actions with other names than ``noun:verb``, or ``noun:act`` for ``/nouns/{id}/act``."""


def action_of(route: LiveRoute) -> str:
    """Return the action that the caller must have. Outside tenants it begins with the principals' kind."""
    return IRREGULAR.get(route.name) or _regular(route)


def _regular(route: LiveRoute) -> str:
    parts = route.template.strip("/").split("/")[1:]  # after the version
    verb = _VERBS.get(route.method, route.method)
    if len(parts) > 2 and parts[-2].startswith("{") and not parts[-1].startswith("{") and route.method == "POST":
        acts = not parts[-1].endswith("s")  # /nouns/{id}/act, not /nouns/{id}/others
        verb, parts = (parts[-1], parts[:-2]) if acts else (verb, parts)
    noun = next(part for part in reversed(parts) if not part.startswith("{"))
    label = label_of(route)
    kind = f"{label}." if label is not None else ""
    return f"{kind}{noun.removesuffix('s').replace('-', '_')}:{verb}"
