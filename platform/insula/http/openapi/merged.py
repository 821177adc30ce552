"""One document of all apps, so that one generated client covers signing in and every app.

Two different components, tags or operations of one name keep that name in the first app that has it; in a later app the
app's name is put before it: ``TenantRead`` of ``admin`` becomes ``AdminTenantRead``.
"""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final, NamedTuple

from insula.http.openapi.security import describe_for_all_apps
from insula.http.openapi.walk import COMPONENTS, Document, operations, pascal, rewrite_references

_SCHEMES: Final = "securitySchemes"


class Part(NamedTuple):
    """The document of one app."""

    app: str
    mount: str
    document: Document


def merge(parts: Sequence[Part], info: Mapping[str, object]) -> Document:
    """Return the documents as one; the first part is the root app's."""
    own = [Part(app, mount, deepcopy(document)) for app, mount, document in parts]
    for part, names in zip(own, _new_names(own), strict=True):
        _rename_components(part, names)
    _rename_operations(own)
    _rename_tags(own)
    components: dict[str, Document] = {}
    for part in own:
        for section, found in part.document["components"].items():
            components.setdefault(section, {}).update(found)
    if _SCHEMES in components:
        describe_for_all_apps(components[_SCHEMES], [part.document["components"].get(_SCHEMES, {}) for part in own])
    return {
        "openapi": own[0].document["openapi"],
        "info": dict(info),
        "servers": own[0].document["servers"],
        "tags": [tag for part in own for tag in part.document.get("tags", ())],
        "paths": {f"{part.mount}{path}": found for part in own for path, found in part.document["paths"].items()},
        "components": components,
    }


def _new_names(parts: Sequence[Part]) -> list[dict[str, str]]:
    """Return the references to rename in each part.

    A component also differs from one of the same name if it refers to a component that is renamed, so this is repeated
    until no further name changes.
    """
    names: list[dict[str, str]] = [{} for _ in parts]
    changed = True
    while changed:
        changed = False
        first: dict[str, str] = {}
        for part, renamed in zip(parts, names, strict=True):
            for target, component in _components(part.document):
                text = _text(component, renamed)
                if target not in renamed and first.setdefault(target, text) != text:
                    renamed[target] = _renamed(part.app, target)
                    changed = True
    return names


def _components(document: Document) -> list[tuple[str, object]]:
    return [
        (f"{COMPONENTS}{section}/{name}", component)
        for section, found in document["components"].items()
        if section != _SCHEMES
        for name, component in found.items()
    ]


def _text(component: object, renamed: Mapping[str, str]) -> str:
    own: Any = deepcopy(component)
    rewrite_references(own, lambda target: renamed.get(target, target))
    return json.dumps(own, sort_keys=True)


def _renamed(app: str, target: str) -> str:
    section, _, name = target.rpartition("/")
    return f"{section}/{pascal(app)}{name}"


def _rename_components(part: Part, names: Mapping[str, str]) -> None:
    rewrite_references(part.document, lambda target: names.get(target, target))
    for section, found in part.document["components"].items():
        part.document["components"][section] = {
            names.get(f"{COMPONENTS}{section}/{name}", name).rpartition("/")[2]: component
            for name, component in found.items()
        }


def _rename_operations(parts: Sequence[Part]) -> None:
    known: set[str] = set()
    for part in parts:
        for _, operation in operations(part.document):
            if operation["operationId"] in known:
                operation["operationId"] = f"{part.app}_{operation['operationId']}"
        known |= {operation["operationId"] for _, operation in operations(part.document)}


def _rename_tags(parts: Sequence[Part]) -> None:
    known: set[str] = set()
    for part in parts:
        tags: list[Document] = part.document.get("tags", [])
        renamed = {tag["name"]: f"{part.app}-{tag['name']}" for tag in tags if tag["name"] in known}
        for tag in tags:
            tag["name"] = renamed.get(tag["name"], tag["name"])
        for _, operation in operations(part.document):
            operation["tags"] = [renamed.get(tag, tag) for tag in operation.get("tags", ())]
        known |= {tag["name"] for tag in tags}
