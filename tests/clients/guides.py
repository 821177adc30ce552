"""The samples of the guides for frontend developers: compiled with strict settings, and run against the server."""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from tests.clients.generators import WORK
from tests.clients.report import Row
from tests.clients.tools import HERE, ROOT, Tools

GUIDES: Final = ROOT / "docs" / "guides" / "frontend"
PAGES: Final = ("errors", "signing-in", "paging", "retries")
"""The guides in the order in which they are read."""

SERVER: Final = "http://localhost:8000"
"""The address of the server in the samples."""

_BLOCK: Final = re.compile(r"^```ts\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NAME: Final = re.compile(r"// (\S+\.ts)\n")
_OUTPUT: Final = re.compile(r"^// → (.*)$", re.MULTILINE)
_IMPORT: Final = re.compile(r'^import .* from "\./(\S+)";$', re.MULTILINE)
_COMPILER: Final = {"allowImportingTsExtensions": True, "erasableSyntaxOnly": True, "moduleDetection": "force"}
"""Node runs TypeScript by removing the types, and modules have their real names."""


@dataclass(frozen=True)
class Sample:
    """A block of a guide: a module, which begins with its name, or a script with its output."""

    guide: str
    name: str
    code: str

    @property
    def is_script(self) -> bool:
        """Whether it is run by itself."""
        return self.name.endswith(".sample.ts")

    @property
    def output(self) -> list[str]:
        """The lines that the script prints."""
        return _OUTPUT.findall(self.code)

    @property
    def imports(self) -> Sequence[str]:
        """The modules that it imports."""
        return _IMPORT.findall(self.code)


def samples() -> Iterator[Sample]:
    """Yield the samples of every guide, in the order in which they are read."""
    for guide in PAGES:
        for number, code in enumerate(_BLOCK.findall((GUIDES / f"{guide}.md").read_text("utf-8")), start=1):
            named = _NAME.match(code)
            yield Sample(guide, named[1] if named else f"{guide}-{number}.sample.ts", code)


def check_guides(tools: Tools, address: str) -> Row:
    """Compile the samples, run each script against the server at the address, and compare its output."""
    begun = monotonic()
    row = Row("samples of docs/guides/frontend", "", 0)
    folder = _written(address)
    compiled = tools.node("tsc", "--project", str(folder))
    row.compiles = not compiled.returncode
    row.findings += compiled.stdout.splitlines()
    row.lines = sum(len(sample.code.splitlines()) for sample in samples())
    scripts = [sample for sample in samples() if sample.is_script]
    failed = [fault for script in scripts if (fault := _fault(tools, folder, script))]
    row.findings += failed
    row.scenario = 0 if failed else len(scripts)
    row.seconds = monotonic() - begun
    return row


def _written(address: str) -> Path:
    folder = WORK / "guides"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for sample in samples():
        (folder / sample.name).write_text(sample.code.replace(SERVER, address), "utf-8")
    config = {"extends": str(HERE / "tsconfig.json"), "compilerOptions": _COMPILER, "include": ["*.ts"]}
    (folder / "tsconfig.json").write_text(json.dumps(config), "utf-8")
    (folder / "package.json").write_text('{ "type": "module" }', "utf-8")
    return folder


def _fault(tools: Tools, folder: Path, script: Sample) -> str | None:
    done = tools.script(folder / script.name)
    if not done.returncode and done.stdout.splitlines() == script.output:
        return None
    return f"{script.name} printed {done.stdout.splitlines()}, not {script.output} {done.stderr[-500:]}"
