"""Check the import contracts of pyproject.toml for the existing apps: `python scripts/import_contracts.py`.

An app is a folder with an `app.py`. The contracts of `tenants` also apply to an app that
pyproject.toml does not name; it may import the `api` of the other apps, and none of these may import it. An app that is
named but missing in the checkout is no error. The options are those of `lint-imports`; run it in the checkout.
"""

import json
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from importlinter.cli import lint_imports_command

LIKE = "tenants"
_ROOT = re.compile(r"\w+")


@dataclass(frozen=True)
class Apps:
    """The apps that pyproject.toml names, those that it does not name, and those that are named but missing."""

    named: frozenset[str]
    new: Sequence[str]
    gone: frozenset[str]

    @classmethod
    def below(cls, root: Path, packages: Sequence[str]) -> "Apps":
        """Compare the folders with the named packages."""
        present = {path.parent.name for path in root.glob("*/app.py")}
        gone = {name for name in packages if not any((root / at / name).is_dir() for at in ("platform", "."))}
        return cls(frozenset(packages) & (present | gone), sorted(present - set(packages)), frozenset(gone))

    def modules(self, lines: Sequence[str]) -> Iterator[str]:
        """Yield the lines about existing packages, with those about `tenants` repeated for each new app."""
        for line in lines:
            roots = [_root(side) for side in line.split(" -> ")]
            if self.gone.isdisjoint(roots):
                yield line
                yield from (line.replace(LIKE, app, 1) for app in self.new if roots[0] == LIKE)
                if roots[1:] == [LIKE] and roots[0] in self.named:
                    entered = [line.partition(" -> ")[2].replace(LIKE, app) for app in sorted(self.named - self.gone)]
                    yield from (f"{app}.** -> {module}" for app in self.new for module in entered)

    def layers(self, lines: Sequence[str]) -> Iterator[str]:
        """Yield the layers of existing packages; new apps have their own layer, above the named apps."""
        waiting = list(self.new)
        for line in lines:
            between = " | " if "|" in line else " : "
            members = [name.strip() for name in line.split(between.strip())]
            if waiting and not self.named.isdisjoint(members):
                yield " : ".join(waiting)
                waiting.clear()
            if there := [name for name in members if name not in self.gone]:
                yield between.join(there)


def configuration(root: Path) -> str:
    """Return the import contracts of pyproject.toml, adapted to the apps below ``root``, as TOML."""
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    contracts = settings.pop("contracts")
    apps = Apps.below(root, settings["root_packages"])
    settings["root_packages"] = [*(name for name in settings["root_packages"] if name not in apps.gone), *apps.new]
    lines = ["[tool.importlinter]", *_options(settings)]
    for contract in contracts:
        for key, value in contract.items():
            if isinstance(value, list):
                contract[key] = list(apps.layers(value) if key == "layers" else apps.modules(value))
        lines += ["[[tool.importlinter.contracts]]", *_options(contract)]
    return "\n".join(lines)


def _options(options: Mapping[str, object]) -> Iterator[str]:
    # Strings, booleans and lists of strings are the same in JSON and TOML.
    yield from (f"{key} = {json.dumps(value)}" for key, value in options.items())


def _root(module: str) -> str:
    found = _ROOT.match(module.strip())
    return found[0] if found else ""


def main() -> None:
    """Run lint-imports on the configuration."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml", prefix="import-contracts-") as file:
        file.write(configuration(Path.cwd()))
        file.flush()
        lint_imports_command([*sys.argv[1:], "--config", file.name])


if __name__ == "__main__":
    main()
