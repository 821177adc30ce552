"""The OpenAPI documents: those of this code, and those that were recorded."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from insula.asgi import create_app
from insula.core.settings import Settings
from insula.site.openapi import apps_of, document_of_all
from tests.clients.tools import ROOT

RECORDED: Final = ROOT / "docs" / "openapi"
Document = Mapping[str, Any]
"""An OpenAPI document. It has no fixed shape."""


def current() -> Mapping[str, Document]:
    """Return the documents of this code by their names, with the one of all apps."""
    root = create_app(Settings(environment="test"))
    return {**{name: app.openapi() for name, _, app in apps_of(root)}, "all": document_of_all(root)}


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
