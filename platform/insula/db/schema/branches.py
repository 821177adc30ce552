"""Chains of migrations: one branch for the kernel, and one for each other owner of tables.

A revision is named ``<branch>_<number>``, or ``<branch>_<number>_<words>``, and the numbers rise along a branch. So
the name alone tells a revision's owner, and whether the database is ahead of the code, even if this code lacks it.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from alembic.config import Config
from alembic.script import Script, ScriptDirectory

_ENVIRONMENT: Final = Path(__file__).parents[2] / "migrations"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_REVISION: Final = re.compile(r"(?P<branch>[a-z][a-z0-9_]*?)_(?P<number>\d{4})(?:_\w+)?")


class BranchError(RuntimeError):
    """The revisions of a branch do not form a chain. The message says which ones, and how to fix it."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A chain of revisions: its name, and the folder that holds them."""

    name: str
    folder: Path


KERNEL: Final = Branch("kernel", _ENVIRONMENT / "kernel")


class Revision(NamedTuple):
    """The parts of a revision's name."""

    branch: str
    number: int

    @classmethod
    def of(cls, name: str) -> "Revision":
        """Parse a name. Raises BranchError."""
        if (parts := _REVISION.fullmatch(name)) is None:
            raise BranchError(f"revision {name}: a name is <branch>_<number of four digits>, such as kernel_0002_notes")
        return cls(parts["branch"], int(parts["number"]))


class Chain(NamedTuple):
    """A branch's first and last revision, and the revision of the former single chain that the first one replaces."""

    baseline: str
    head: str
    replaces: str | None


def configured(branches: Sequence[Branch]) -> Config:
    """Return Alembic's configuration for these branches."""
    config = Config()
    config.set_main_option("script_location", _escaped(_ENVIRONMENT))
    config.set_main_option("version_locations", "\n".join(_escaped(branch.folder) for branch in branches))
    config.set_main_option("path_separator", "newline")
    return config


def chains(branches: Sequence[Branch]) -> Mapping[str, Chain]:
    """Return the branches' chains by name, in the given order. Raises BranchError."""
    try:
        scripts = list(ScriptDirectory.from_config(configured(branches)).walk_revisions())
    except KeyError as missing:
        raise BranchError(f"there is no revision {missing}, which another names as its down_revision") from None
    return MappingProxyType({branch.name: _chain(branch, scripts) for branch in branches})


def heads(branches: Sequence[Branch]) -> Mapping[str, str]:
    """Return each branch's last revision: what this version of the code expects."""
    return MappingProxyType({name: chain.head for name, chain in chains(branches).items()})


def by_branch(revisions: Collection[str]) -> Mapping[str, str]:
    """Return the revisions of a database by branch. Raises BranchError for a name without a branch."""
    return {Revision.of(revision).branch: revision for revision in revisions}


def behind(found: Collection[str], expected: Mapping[str, str]) -> tuple[str, ...]:
    """Return the branches in which the database is behind the code. It may be ahead, or have other branches."""
    at = by_branch(found)
    return tuple(name for name, head in expected.items() if name not in at or not reaches(at[name], head))


def reaches(found: str, head: str) -> bool:
    """Return whether a database at ``found`` has what the code at ``head`` of the same branch needs."""
    return found == head or Revision.of(found).number > Revision.of(head).number


def _chain(branch: Branch, scripts: Sequence[Script]) -> Chain:
    own = [script for script in scripts if Path(script.path).parent == branch.folder]
    for complaint in _complaints(branch, own):
        raise BranchError(f"branch {branch.name}: {complaint}")
    [baseline], [head] = _first(own), _last(own)
    return Chain(baseline.revision, head.revision, getattr(baseline.module, "replaces", None))


def _complaints(branch: Branch, scripts: Sequence[Script]) -> Iterator[str]:
    """Yield the problems of a branch, the simplest first."""
    if not _NAME.fullmatch(branch.name):
        yield "a name is a lower-case word"
    if not scripts:
        yield f"there is no revision in {branch.folder}"
    hidden = {file.name for file in branch.folder.glob("*.py")} - {Path(script.path).name for script in scripts}
    if hidden:
        yield f"{', '.join(sorted(hidden))} has the revision of another file: give it the next number"
    for script in scripts:
        yield from _wrong_name(branch, script)
    bases = sorted(script.revision for script in _first(scripts))
    if len(bases) > 1:
        yield f"it begins twice, with {' and '.join(bases)}: give all but the first a down_revision"
    if [script for script in _first(scripts) if script.module.branch_labels != (branch.name,)]:
        yield f'{bases[0]} is the first: it needs branch_labels = ("{branch.name}",)'
    ends = sorted(script.revision for script in _last(scripts))
    if len(ends) > 1:
        yield f"it has two heads, {' and '.join(ends)}: put one after the other, and give it the next number"


def _first(chain: Sequence[Script]) -> list[Script]:
    return [script for script in chain if script.down_revision is None]


def _last(chain: Sequence[Script]) -> list[Script]:
    followed = {script.down_revision for script in chain}
    return [script for script in chain if script.revision not in followed]


def _wrong_name(branch: Branch, script: Script) -> Iterator[str]:
    if Revision.of(script.revision).branch != branch.name:
        yield f"the revision {script.revision} is named after another branch: name it {branch.name}_…"
    elif script.dependencies:
        yield f"{script.revision} has depends_on: instead list its branch after those that it references"
    before = script.down_revision
    if not isinstance(before, str | None):
        yield f"{script.revision} merges {' and '.join(before)}: a branch is one chain"
    elif before is not None and Revision.of(before).branch != branch.name:
        yield f"{script.revision} follows {before}, of another branch"
    elif before is not None and Revision.of(before) >= Revision.of(script.revision):
        yield f"{script.revision} follows {before}: numbers rise along a branch"


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
