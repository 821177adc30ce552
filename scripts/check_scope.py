"""Check that no untyped state is kept on the ASGI scope or on an app: `python scripts/check_scope.py [ROOT]`.

- Only ASGI, Starlette and FastAPI define keys of the scope. The parts of a request share typed attributes of
  ``insula.http.state.RequestState``.
- What a lifespan opened is reached through ``insula.http.kernel``, never by its key.
- ``app.state`` and ``request.state`` are not used: their attributes have no types.

It prints one line per finding.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

_ASGI: Final = frozenset(
    {"type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "query_string", "root_path", "headers"}
    | {"client", "server", "state", "extensions", "subprotocols"}
)
_FRAMEWORK: Final = frozenset(
    {"app", "app_root_path", "endpoint", "path_params", "route", "router", "fastapi", "fastapi.telemetry"}
)
THEIRS: Final = _ASGI | _FRAMEWORK
OURS: Final[Mapping[str, str]] = {"insula/http/state.py": "insula", "insula/http/kernel.py": "kernel"}
"""The module that may use a key of ours, and the key."""

_LOOK_UPS: Final = frozenset({"get", "pop", "setdefault"})
_UNTYPED: Final = frozenset({"app", "root", "request", "connection", "websocket", "socket"})
_HINT: Final = "a request's state is a typed attribute of insula.http.state.RequestState"

Finding = tuple[int, str]


def modules(root: Path) -> Iterator[Path]:
    """Yield the modules of the kernel, of the apps and of the examples."""
    apps = {manifest.parent for place in (root, root / "examples") for manifest in place.glob("*/app.py")}
    for folder in [root / "platform", *sorted(apps)]:
        yield from sorted(folder.rglob("*.py"))


def findings(tree: ast.Module, name: str) -> Iterator[Finding]:
    """Find each use of a key that the module may not use, and each use of untyped state."""
    allowed = THEIRS | {key for module, key in OURS.items() if name.endswith(module)}
    constants = dict(_constants(tree))
    for node in ast.walk(tree):
        for key in _keys(node):
            text = _text(key, constants)
            if text is None:
                yield key.lineno, f"a key of the scope that is not a constant; {_HINT}"
            elif text not in allowed:
                yield key.lineno, f"{text!r} on the scope; {_HINT}"
        if isinstance(node, ast.Attribute) and node.attr == "state" and _is_untyped(node.value):
            yield node.lineno, f"{ast.unparse(node)} has no types; give the app or the request a typed attribute"


def _keys(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the keys that ``node`` reads from, writes to or looks for in a scope."""
    match node:
        case ast.Subscript(value=held, slice=key) if _is_scope(held):
            yield key
        case ast.Call(func=ast.Attribute(value=held, attr=attr), args=[key, *_]) if attr in _LOOK_UPS and _is_scope(
            held
        ):
            yield key
        case ast.Call(func=ast.Attribute(value=held, attr="update"), args=[ast.Dict(keys=keys)]) if _is_scope(held):
            yield from (key for key in keys if key is not None)
        case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[held]) if _is_scope(held):
            yield key
        case ast.Dict(keys=keys, values=values) if any(
            key is None and _is_scope(value) for key, value in zip(keys, values, strict=True)
        ):
            yield from (key for key in keys if key is not None)


def _is_scope(node: ast.expr) -> bool:
    """Whether this is a scope, or the lifespan's state in one."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name == "scope" or name.endswith("_scope")
        case ast.Subscript(value=held, slice=ast.Constant(value="state")):
            return _is_scope(held)
        case ast.Call(func=ast.Attribute(value=held, attr="get"), args=[ast.Constant(value="state"), *_]):
            return _is_scope(held)
    return False


def _is_untyped(node: ast.expr) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in _UNTYPED
        case ast.Subscript(value=held, slice=ast.Constant(value="app")):
            return _is_scope(held)
    return False


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text)))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text)))
            ):
                yield name, text


def _text(key: ast.expr, constants: Mapping[str, str]) -> str | None:
    match key:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return constants.get(name)
    return None


def main(root: Path) -> int:
    """Print the findings; return the exit status."""
    found = [
        f"{path.relative_to(root)}:{line}: {message}"
        for path in modules(root)
        for line, message in findings(ast.parse(path.read_text("utf-8")), path.as_posix())
    ]
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]))
