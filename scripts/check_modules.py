"""Check rules that no linter checks: `python scripts/check_modules.py [ROOT]` prints one line per finding.

- `platform/` has no `__init__.py`: it would shadow the standard library's module of that name.
- No module is longer than 400 lines: a module is one concept.
- An ignore (`noqa`, `type: ignore`) names its rule and gives its reason.
- SQL is not built from strings outside the helpers that make schema objects.
- No session-level SET: the pool would carry it to the next request.
- No module-level container that is filled at run time.
- A log event is a constant of lower-case words, such as `job failed`; the variable parts are fields.
"""

import ast
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

NOT_OURS = frozenset({"build", "dist", "node_modules"})
MAX_LINES = 400
MAY_BUILD_SQL = ("platform/insula/db/", "tests/")
REVISIONS = "/migrations/"
OWN_CONNECTION = (
    "platform/insula/db/migrate/run.py",
    "platform/insula/db/migrate/online.py",
    "tests/",
)
"""Modules whose connections are never pooled, so a session's settings end with its connection."""

_BARE_IGNORE = re.compile(r"#\s*noqa(?!: [A-Z]+\d+)|#\s*type:\s*ignore(?!\[)")
_IGNORE = re.compile(r"#\s*(?:noqa: [A-Z]+\d+(?:, ?[A-Z]+\d+)*|type:\s*ignore\[[\w, -]+\])(?P<rest>.*)")
_REASON = re.compile(r"\w{2,}.*\w{2,}")
_SESSION_SET = re.compile(
    r"(?:^|;)\s*SET\s+(?:SESSION\s+)?(?:ROLE\b|AUTHORIZATION\b|(?!LOCAL\b)[\w.]+\s*(?:=|\bTO\b))"
    r"|set_config\([^)]*,\s*false\s*\)",
    re.IGNORECASE,
)
_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")
_FACTORIES = frozenset({"dict", "list", "set", "defaultdict", "deque", "OrderedDict", "bytearray", "Counter"})
_EXECUTES = frozenset({"text", "exec_driver_sql"})
_LOGGER = re.compile(r"_?log(?:ger)?")
_LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
_EVENT = re.compile(r"[a-z]+(?:[ -][a-z]+)*")

Finding = tuple[int, str]


def modules(root: Path) -> Iterator[Path]:
    """Yield every Python module of the project, also in folders that an installation adds."""
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and not folder.name.startswith(".") and folder.name not in NOT_OURS:
            yield from sorted(folder.rglob("*.py"))


def ignores_without_reason(path: Path) -> Iterator[Finding]:
    """Find ignores that silence every rule, or give no reason."""
    with path.open("rb") as source:
        comments = [token for token in tokenize.tokenize(source.readline) if token.type == tokenize.COMMENT]
    for comment in comments:
        if _BARE_IGNORE.search(comment.string):
            yield comment.start[0], "an ignore names its rule"
        elif (found := _IGNORE.search(comment.string)) and not _REASON.search(found["rest"]):
            yield comment.start[0], "an ignore gives its reason"


def built_sql(tree: ast.Module) -> Iterator[Finding]:
    """Find SQL that is built from strings: `text(f"…")`, `text("…" + x)`, `text("…".format(x))`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in _EXECUTES and node.args and _is_built(node.args[0]):
            yield node.lineno, "SQL takes bound parameters; it is not built from strings"


def session_settings(tree: ast.Module) -> Iterator[Finding]:
    """Find settings that outlive their transaction."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SESSION_SET.search(node.value):
            yield node.lineno, "a session-level SET outlives its transaction; use SET LOCAL"


def mutable_globals(tree: ast.Module) -> Iterator[Finding]:
    """Find module-level names that start as an empty container, and so are filled later."""
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if value is not None and _is_empty_container(value):
            yield node.lineno, "no mutable module global; keep the state in an object"


def log_events(tree: ast.Module) -> Iterator[Finding]:
    """Find log events that are not constant lower-case words: these cannot be searched for."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=level), args=[event, *_]):
                if _LOGGER.fullmatch(name) and level in _LEVELS and not _is_event(event):
                    yield node.lineno, "a log event is a constant of lower-case words; the variable parts are fields"


def _is_event(event: ast.expr) -> bool:
    match event:
        case ast.Constant(value=str(words)):
            return _EVENT.fullmatch(words) is not None
    return False


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _is_built(value: ast.expr) -> bool:
    match value:
        case ast.JoinedStr(values=parts):
            return not all(_is_constant(part.value) for part in parts if isinstance(part, ast.FormattedValue))
        case ast.BinOp():
            return True
        case ast.Call(func=ast.Attribute(attr="format" | "join")):
            return True
    return False


def _is_constant(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and _CONSTANT.fullmatch(value.id) is not None


def _is_empty_container(value: ast.expr) -> bool:
    match value:
        case ast.Dict(keys=[]) | ast.List(elts=[]):
            return True
        case ast.Call(func=ast.Name(id=name), args=[]) | ast.Call(func=ast.Attribute(attr=name), args=[]):
            return name in _FACTORIES
    return False


def findings(path: Path, name: str) -> Iterator[Finding]:
    """Find everything that is wrong in one module; ``name`` is its path below the root."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source, filename=name)
    if (length := len(source.splitlines())) > MAX_LINES:
        yield length, f"{length} lines; split the module at {MAX_LINES}, where it holds two concepts"
    yield from ignores_without_reason(path)
    if not name.startswith(MAY_BUILD_SQL) and REVISIONS not in name:
        yield from built_sql(tree)
    if not name.startswith(OWN_CONNECTION):
        yield from session_settings(tree)
    if not name.startswith("tests/"):
        yield from mutable_globals(tree)
        yield from log_events(tree)


def main(root: Path) -> int:
    """Print the findings; return the exit status."""
    found: list[str] = []
    if (root / "platform" / "__init__.py").exists():
        found.append("platform/__init__.py: shadows the standard library's platform; remove it")
    for path in modules(root):
        name = path.relative_to(root).as_posix()
        found.extend(f"{name}:{line}: {message}" for line, message in findings(path, name))
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent))
