"""``make clients-check``: lint the OpenAPI documents, generate clients, use them, and name breaking changes.

It also runs the samples of the guides for frontend developers, and clients of OAuth that nobody here wrote.

    python -m tests.clients [--only NAME] [--record] [--system-certs]

Exits with 0 if the linters have no finding, every client compiles and carries out its scenario, and no change since the
recorded documents breaks clients.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from time import monotonic

from tests.clients import linters, oauth
from tests.clients.breaks import breaks
from tests.clients.documents import current, record, recorded, write
from tests.clients.generators import NAMES, Files, check
from tests.clients.guides import check_guides
from tests.clients.report import Row, table
from tests.clients.report import write as write_report
from tests.clients.served import served
from tests.clients.tools import BUILD, ToolFailed, Tools

_SHOWN = 40
_GUIDES = "guides"


def main() -> int:
    """Check, print the results, and return the exit status."""
    options = _parsed()
    begun = monotonic()
    documents = current()
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the app has set up logging
    if options.record:
        return _record(breaks(recorded(), documents), lambda: record(documents))
    broken = breaks(recorded(), documents)
    tools = Tools(["--system-certs"] if options.system_certs else [])
    try:
        tools.install()
        rows = _rows(tools, write(documents, BUILD / "documents"), options.only)
    except ToolFailed as error:
        _print([f"clients-check: {error}"])
        return 1
    seconds = monotonic() - begun
    write_report(rows, broken, seconds, BUILD.parent)
    _print(_findings(rows, broken))
    _print([table(rows), f"{seconds:.0f} s; build/clients.md and build/clients.json have the results"])
    return 0 if all(row.passed for row in rows) and not broken else 1


def _rows(tools: Tools, files: Files, only: str | None) -> list[Row]:
    paths = list(files.values())
    rows = [] if only else [linters.redocly(tools, paths), linters.spectral(tools, paths)]
    with served(BUILD / "server.log") as address:
        if only in {None, _GUIDES}:
            rows.append(check_guides(tools, address))  # first: they list the demo projects
        rows += [check(tools, name, files, address) for name in NAMES if only in {None, name}]
        rows += [oauth.check_client(tools, name, address) for name in oauth.NAMES if only in {None, name}]
    return rows


def _record(broken: Sequence[str], save: Callable[[], None]) -> int:
    """Record the documents, and print the breaking changes that are recorded with them."""
    save()
    _print(["recorded in docs/openapi; commit it", *(f"breaking change: {each}" for each in broken)])
    return 0


def _findings(rows: Sequence[Row], broken: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for row in rows:
        lines += [f"{row.name}: {finding}" for finding in row.findings[:_SHOWN]]
        if len(row.findings) > _SHOWN:
            lines.append(f"{row.name}: and {len(row.findings) - _SHOWN} more in build/clients.json")
    lines += [f"breaking change: {each}" for each in broken]
    if broken:
        lines.append(
            f"{len(broken)} breaking changes since docs/openapi was recorded; if intended: make clients-record"
        )
    return lines


def _print(lines: Sequence[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make clients-check")
    parser.add_argument(
        "--only", choices=(*NAMES, *oauth.NAMES, _GUIDES), help="one program, or the guides, without the linters"
    )
    parser.add_argument("--record", action="store_true", help="record the documents, with their breaking changes")
    parser.add_argument("--system-certs", action="store_true", help="use this machine's certificates")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
