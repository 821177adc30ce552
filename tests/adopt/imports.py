"""Find the tests about an app: those that import it, directly or through other tests, and those that name it."""

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path


def tests_about(root: Path, package: str) -> Sequence[str]:
    """Return the files below ``tests`` that cannot run without the package."""
    files = {str(path.relative_to(root)): path.read_text() for path in sorted((root / "tests").rglob("*.py"))}
    imported = {name: frozenset(_imports(source)) for name, source in files.items()}
    named = re.compile(rf"\b(?:insula_)?{package}\b")
    gone = {name for name, source in files.items() if Path(name).name.startswith("test_") and named.search(source)}
    modules = {package, *map(_module, gone)}
    while found := {name for name in files.keys() - gone if not modules.isdisjoint(imported[name])}:
        gone |= found
        modules |= set(map(_module, found))
    return sorted(gone)


def _imports(source: str) -> Iterator[str]:
    """Yield the imported modules, their packages, and each name imported from them, which may be a module too."""
    for node in ast.parse(source).body:  # no import stands inside a function
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            yield from accumulate(name.split("."), "{}.{}".format)


def _module(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
