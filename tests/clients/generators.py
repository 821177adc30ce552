"""Four generators of clients: each makes a client of every document, and all of them compile.

The client of the document of all apps carries out the scenario in ``scenarios/NAME.ts`` or ``scenarios/python.py``.
Each generator is called as its own documentation calls it. The clients are in ``build/clients/work/NAME``.
"""

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from time import monotonic
from typing import Final

from tests.clients.report import Row
from tests.clients.tools import BUILD, HERE, MYPY, Tools, run

WORK: Final = BUILD / "work"
_SCENARIOS: Final = HERE / "scenarios"
_STEP: Final = re.compile(r"^ok .+$", re.MULTILINE)
_WARNING: Final = re.compile(r"^.*\bwarning\b.*$", re.IGNORECASE | re.MULTILINE)
_ERROR: Final = re.compile(r"^.*\berror\b.*$", re.IGNORECASE | re.MULTILINE)

Files = Mapping[str, Path]
"""The documents' files, by the documents' names."""

Generate = Callable[[Tools, Path, Path], CompletedProcess[str]]
"""Make a client of the document in a folder."""


def openapi_fetch(tools: Tools, document: Path, folder: Path) -> CompletedProcess[str]:
    """Make the types that openapi-fetch needs."""
    return tools.node("openapi-typescript", str(document), "--output", str(folder / "schema.d.ts"))


def hey_api(tools: Tools, document: Path, folder: Path) -> CompletedProcess[str]:
    """Make hey-api's client."""
    options = ("--client", "@hey-api/client-fetch", "--no-log-file")
    return tools.node("openapi-ts", "--input", str(document), "--output", str(folder), *options)


def orval(tools: Tools, document: Path, folder: Path) -> CompletedProcess[str]:
    """Make orval's client, which calls the scenario's function for requests."""
    config = folder / "orval.config.mjs"
    mutator = {"path": str(folder.parent / "orval_request.ts"), "name": "request"}
    output = {
        "target": str(folder / "client.ts"),
        "client": "fetch",
        "headers": True,
        "baseUrl": {"getBaseUrlFromSpecification": True},
        "override": {"mutator": mutator},
    }
    config.write_text(f"export default {json.dumps({'client': {'input': str(document), 'output': output}})}\n", "utf-8")
    return tools.node("orval", "--config", str(config), "--fail-on-warnings")


def python(tools: Tools, document: Path, folder: Path) -> CompletedProcess[str]:
    """Make openapi-python-client's package."""
    options = ("--meta", "none", "--overwrite", "--fail-on-warning")
    module = ("-m", "openapi_python_client")
    return tools.python_program(*module, "generate", "--path", str(document), "--output-path", str(folder), *options)


_TYPESCRIPT: Final[Mapping[str, tuple[Generate, str, str]]] = {
    "openapi_fetch": (openapi_fetch, "openapi-typescript + openapi-fetch", "openapi-typescript"),
    "hey_api": (hey_api, "hey-api", "@hey-api/openapi-ts"),
    "orval": (orval, "orval", "orval"),
}
NAMES: Final = (*_TYPESCRIPT, "python")


def check(tools: Tools, name: str, files: Files, address: str) -> Row:
    """Generate, compile, and carry out the scenario against the server at the address."""
    generate: Generate
    if name == "python":
        row = Row("openapi-python-client", tools.python_version("openapi-python-client"), len(files))
        generate, compile_, play = python, _mypy, _play_python
    else:
        generate, title, package = _TYPESCRIPT[name]
        row = Row(title, tools.version(package), len(files))
        compile_, play = _tsc, _play_node
    begun = monotonic()
    folder = _emptied(name)
    _generate(tools, generate, files, folder, row)
    if not row.errors:
        row.lines = _lines(folder, files)
        row.compiles = _succeeded(compile_(tools, folder), row)
        done = play(tools, folder, address)
        row.scenario = len(_STEP.findall(done.stdout)) if _succeeded(done, row) else 0
    row.seconds = monotonic() - begun
    return row


def _emptied(name: str) -> Path:
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source in _SCENARIOS.iterdir():
        common = source.stem == "steps" and name in _TYPESCRIPT
        if source.stem == name or source.name.startswith(f"{name}_") or common:
            shutil.copy2(source, folder)
    return folder


def _generate(tools: Tools, generate: Generate, files: Files, folder: Path, row: Row) -> None:
    for document, file in files.items():
        target = folder / document
        target.mkdir()
        done = generate(tools, file, target)
        output = f"{done.stdout}\n{done.stderr}"
        warnings = _WARNING.findall(output)
        errors = _ERROR.findall(output) or [output.strip()[-500:]] if done.returncode and not warnings else []
        row.warnings += len(warnings)
        row.errors += len(errors)
        row.findings += [f"{document}: {line.strip()}" for line in (*errors, *warnings)]


def _lines(folder: Path, files: Files) -> int:
    sources = [path for name in files for path in (folder / name).rglob("*") if path.suffix in {".ts", ".py"}]
    return sum(len(path.read_text("utf-8").splitlines()) for path in sources)


def _tsc(tools: Tools, folder: Path) -> CompletedProcess[str]:
    settings = json.loads((HERE / "tsconfig.json").read_text("utf-8"))
    (folder / "tsconfig.json").write_text(json.dumps({**settings, "include": ["**/*.ts"]}), "utf-8")
    return tools.node("tsc", "--project", str(folder))


def _mypy(tools: Tools, folder: Path) -> CompletedProcess[str]:
    options = (
        "--config-file",
        str(HERE / "mypy.ini"),
        "--python-executable",
        tools.python,
        "--cache-dir",
        str(BUILD / "mypy"),
    )
    return run([str(MYPY), *options, "."], folder, {})


def _play_node(tools: Tools, folder: Path, address: str) -> CompletedProcess[str]:
    bundle = folder / "scenario.mjs"
    options = ("--bundle", "--platform=node", "--format=esm", "--log-level=warning", f"--outfile={bundle}")
    done = tools.node("esbuild", str(folder / f"{folder.name}.ts"), *options)
    return done if done.returncode else tools.script(bundle, INSULA=address)


def _play_python(tools: Tools, folder: Path, address: str) -> CompletedProcess[str]:
    return tools.python_program("python.py", directory=folder, INSULA=address)


def _succeeded(done: CompletedProcess[str], row: Row) -> bool:
    if done.returncode:
        row.findings += _essence(f"{done.stdout}\n{done.stderr}".splitlines())
    return not done.returncode


def _essence(lines: Sequence[str], count: int = 12) -> Sequence[str]:
    """Return the first and the last lines, without the frames of Node's stacks."""
    told = [line for line in lines if line.strip() and not line.lstrip().startswith("at ")]
    return told if len(told) <= 2 * count else [*told[:count], "…", *told[-count:]]
