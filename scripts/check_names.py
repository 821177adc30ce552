"""Check that the kernel names no app, no resource and none of their parts: `python scripts/check_names.py [KERNEL]`.

The names come from the installation's manifests and tables, so a new app or resource is covered from its first line.
Each import and each string of ``platform/insula`` is compared with them. Docstrings and comments may give examples.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from insula.access import Role, StaffRole
from insula.apps import Installation, load
from insula.db.schema.base import Base, metadata

# Words that the kernel uses with its own meaning: the built-in roles, and the schema of the queue.
OWN_WORDS = frozenset({*map(str, Role), *map(str, StaffRole), "jobs"})

Finding = tuple[int, str]


def names(installation: Installation) -> Mapping[str, str]:
    """Return the strings that the kernel must not contain, and what each one names."""
    found: dict[str, str] = {}
    for app in installation.apps:
        found |= {app.name: "an app", app.mount: "an app's mount", str(app.database_role): "an app's database role"}
        for resource in app.resources:
            found |= dict.fromkeys(resource.jobs, "a resource's job")
            found |= {
                route.partition(" ")[2]: "a resource's route" for route in resource.public | resource.public_pages
            }
        for granted in app.grants.values():
            found |= dict.fromkeys(map(str, granted), "a permission")
    return {name: kind for name, kind in found.items() if name not in OWN_WORDS}


def packages(installation: Installation) -> frozenset[str]:
    """Return the packages with the installation's tables, jobs and permissions, except the kernel."""
    modules = [model.__module__ for model in models(Base)]
    modules += [handler.__module__ for resource in installation.resources for handler in resource.jobs.values()]
    modules += [one.permissions.__module__ for one in installation.resources if one.permissions is not None]
    return frozenset(module.partition(".")[0] for module in modules) - {"insula"}


def models(base: type[Base]) -> Iterator[type[Base]]:
    """Yield the classes of every table."""
    for model in base.__subclasses__():
        if hasattr(model, "__table__"):
            yield model
        yield from models(model)


def tables(app_packages: frozenset[str]) -> frozenset[str]:
    """Return the tables with models in these packages, except those with the name of a kernel column."""
    of_apps = {str(model.__tablename__): _root(model.__module__) in app_packages for model in models(Base)}
    columns = {
        column.name for name, of_app in of_apps.items() if not of_app for column in metadata.tables[name].columns
    }
    return frozenset(name for name, of_app in of_apps.items() if of_app) - columns


def findings(
    tree: ast.Module, kinds: Mapping[str, str], app_packages: frozenset[str], app_tables: frozenset[str]
) -> Iterator[Finding]:
    """Find each import and each string that names something outside the kernel."""
    words = re.compile(rf"(?<![\w-])(?:{'|'.join(sorted(app_tables))})(?![\w-])") if app_tables else None
    comments = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                yield from ((node.lineno, f"imports {one.name}") for one in aliases if _root(one.name) in app_packages)
            case ast.ImportFrom(module=str(module)) if _root(module) in app_packages:
                yield node.lineno, f"imports {module}"
            case ast.Constant(value=str(text)) if id(node) not in comments:
                if text in kinds:
                    yield node.lineno, f"{text!r} is {kinds[text]}"
                elif words and (found := words.search(text)):
                    yield node.lineno, f"{found[0]!r} is an app's table"


def _root(module: str) -> str:
    return module.partition(".")[0]


def main(kernel: Path) -> int:
    """Print the findings; return the exit status."""
    installation = load()
    kinds, app_packages = names(installation), packages(installation)
    app_tables = tables(app_packages)
    found = [
        f"{path.relative_to(kernel.parent)}:{line}: {message}; docs/guides/installation.md shows how to declare it"
        for path in sorted(kernel.rglob("*.py"))
        for line, message in findings(ast.parse(path.read_text("utf-8")), kinds, app_packages, app_tables)
    ]
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "platform" / "insula"))
