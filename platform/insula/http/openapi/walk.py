"""The parts of an OpenAPI document: its operations, its schemas and its references."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

Document = dict[str, Any]  # an OpenAPI document, or a part of one, has no fixed type
COMPONENTS: Final = "#/components/"
SCHEMAS: Final = f"{COMPONENTS}schemas/"
_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch", "head", "options", "trace"})
_INNER: Final = ("items", "additionalProperties", "not")
_SEVERAL: Final = ("anyOf", "allOf", "oneOf", "prefixItems")
_WORD: Final = re.compile(r"[A-Za-z0-9]+")


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    """Yield each operation, with its method."""
    for path in document["paths"].values():
        for method, operation in path.items():
            if method in _METHODS:
                yield method, operation


def reference(section: str, name: str) -> Document:
    """Return a reference to a component."""
    return {"$ref": f"{COMPONENTS}{section}/{name}"}


def pascal(*names: str) -> str:
    """Return the name of a type: ``create_project`` and ``conflict`` become ``CreateProjectConflict``."""
    return "".join(word[0].upper() + word[1:] for name in names for word in _WORD.findall(name.replace("_", " ")))


def references(node: object) -> Iterator[str]:
    """Yield the target of each reference in ``node``."""
    if isinstance(node, dict):
        target = node.get("$ref")
        if isinstance(target, str):
            yield target
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def reachable(document: Document, nodes: Iterable[object]) -> set[str]:
    """Return the references that ``nodes`` contain, also through the components that they name."""
    found: set[str] = set()
    waiting = [target for node in nodes for target in references(node)]
    while waiting:
        target = waiting.pop()
        if target not in found:
            found.add(target)
            waiting += references(resolve(document, target))
    return found


def resolve(document: Document, target: str) -> Document:
    """Return the component that a reference names."""
    _, _, section, name = target.split("/", 3)
    found: Document = document["components"][section][name]
    return found


def subschemas(schema: Document) -> Iterator[Document]:
    """Yield ``schema`` and every schema in it, without following references."""
    yield schema
    inner: list[object] = [schema.get(key) for key in _INNER]
    inner += schema.get("properties", {}).values()
    for key in _SEVERAL:
        inner += schema.get(key, ())
    for one in inner:
        if isinstance(one, dict):
            yield from subschemas(one)


def rewrite_references(node: object, rename: Callable[[str], str]) -> None:
    """Replace the target of each reference in ``node`` by what ``rename`` returns for it."""
    if isinstance(node, dict):
        target = node.get("$ref")
        if isinstance(target, str):
            node["$ref"] = rename(target)
        for inner in node.values():
            rewrite_references(inner, rename)
    elif isinstance(node, list):
        for inner in node:
            rewrite_references(inner, rename)
