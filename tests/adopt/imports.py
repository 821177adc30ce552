"""Which tests are about an app: those that import it, by themselves or by way of others, and those that name it."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path


def tests_about(root: Path, package: str) -> Sequence[str]:
    """Return the files below ``tests`` that an installation without the package must do without."""
    files = {str(path.relative_to(root)): path.read_text() for path in sorted((root / "tests").rglob("*.py"))}
    imported = {name: frozenset(_imports(source)) for name, source in files.items()}
    named = re.compile(rf"\b(?:insula_)?{package}\b")
    gone = {name for name, source in files.items() if Path(name).name.startswith("test_") and named.search(source)}
    modules = {package, *map(_module, gone)}
    while found := {name for name in files.keys() - gone if _reach(imported[name], modules)}:
        gone |= found
        modules |= set(map(_module, found))
    return sorted(gone)


def _imports(source: str) -> Iterator[str]:
    """Yield the modules that are imported, and what of them: it may be a module, too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _reach(imported: frozenset[str], modules: set[str]) -> bool:
    """Tell whether one of the modules, or what stands in it, is among those imported."""
    return any(name == module or name.startswith(f"{module}.") for name in imported for module in modules)


def _module(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
