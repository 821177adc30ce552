"""The OpenAPI documents: those of this code, and those that were recorded."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from starlette.routing import Mount

from insula.asgi import create_app
from insula.core.settings import Settings
from tests.clients.tools import ROOT

RECORDED: Final = ROOT / "docs" / "openapi"
Document = Mapping[str, Any]
"""An OpenAPI document. It has no fixed shape."""


def current() -> Mapping[str, Document]:
    """Return the documents of this code, by their names."""
    return {name: app.openapi() for name, app in _apps(create_app(Settings(environment="test")))}


def recorded() -> Mapping[str, Document]:
    """Return the documents that were recorded."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(RECORDED.glob("*.json"))}


def record(documents: Mapping[str, Document]) -> None:
    """Record the documents in place of the former ones."""
    RECORDED.mkdir(exist_ok=True)
    for path in RECORDED.glob("*.json"):
        if path.stem not in documents:
            path.unlink()
    write(documents, RECORDED)


def write(documents: Mapping[str, Document], folder: Path) -> Mapping[str, Path]:
    """Write the documents as JSON files; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: folder / f"{name}.json" for name in documents}
    for name, file in files.items():
        file.write_text(json.dumps(documents[name], indent=1, ensure_ascii=False) + "\n", "utf-8")
    return files


def _apps(root: FastAPI) -> Iterator[tuple[str, FastAPI]]:
    yield "root", root
    for route in root.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            yield str(route.name), route.app
