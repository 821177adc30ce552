"""The samples of the guides for frontend developers: written as files, run by Node, their output compared."""

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GUIDES: Final = Path(__file__).parents[2] / "docs" / "guides" / "frontend"
PAGES: Final = ("errors", "signing-in", "paging", "retries")
"""The guides in the order in which they are read."""

SERVER: Final = "http://localhost:8000"
"""The address of the server in the samples."""

_BLOCK: Final = re.compile(r"^```ts\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NAME: Final = re.compile(r"// (\S+\.ts)\n")
_OUTPUT: Final = re.compile(r"^// → (.*)$", re.MULTILINE)
_IMPORT: Final = re.compile(r'^import .* from "\./(\S+)";$', re.MULTILINE)

Run = Callable[[Path], subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class File:
    """A block of a guide: a module, which begins with its name, or a script with its output."""

    guide: str
    name: str
    code: str

    @property
    def is_script(self) -> bool:
        """Whether it is run by itself."""
        return self.name.endswith(".sample.ts")

    @property
    def output(self) -> Sequence[str]:
        """The lines that the script prints."""
        return _OUTPUT.findall(self.code)

    @property
    def imports(self) -> Sequence[str]:
        """The modules that it imports."""
        return _IMPORT.findall(self.code)


def files() -> Iterator[File]:
    """Yield the blocks of every guide, in the order in which they are read."""
    for guide in PAGES:
        for number, code in enumerate(_BLOCK.findall((GUIDES / f"{guide}.md").read_text("utf-8")), start=1):
            named = _NAME.match(code)
            yield File(guide, named[1] if named else f"{guide}-{number}.sample.ts", code)


def faults(folder: Path, address: str, run: Run) -> list[str]:
    """Write the samples into ``folder``, run each against the server, and return those that print something else."""
    written = list(files())
    for file in written:
        (folder / file.name).write_text(file.code.replace(SERVER, address), "utf-8")
    results: Mapping[str, subprocess.CompletedProcess[str]] = {
        file.name: run(folder / file.name) for file in written if file.is_script
    }
    return [
        f"docs/guides/frontend/{file.guide}.md: {file.name} printed {done.stdout!r}, not {file.output}\n{done.stderr}"
        for file in written
        if (done := results.get(file.name)) is not None
        and (done.returncode != 0 or done.stdout.splitlines() != list(file.output))
    ]
