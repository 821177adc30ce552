"""Run the proof and write ``build/prove.json``. Exit codes: 0 the proof holds, 1 it does not."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic

from tests.proof.arena import ROOT, Arena
from tests.proof.attacking import attack_routes, attack_through_pooler, examine_tables
from tests.proof.breaking import break_database
from tests.proof.editing import break_source
from tests.proof.figures import Figures, left_out, shortcomings
from tests.proof.judge import mutant_figures, outdated
from tests.proof.report import say, say_alive, say_figures, say_part
from tests.proof.results import Result

BUILD = ROOT / "build"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the requested parts, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("--only", choices=tuple(PARTS), action="append", default=[], help="run this part; repeatable")
    parser.add_argument(
        "--mutant", action="append", default=[], help="only mutants whose name contains this; repeatable"
    )
    options = parser.parse_args(arguments)
    names = options.only or (["mutants"] if options.mutant else list(PARTS))
    begun = monotonic()
    figures, missing = Figures(), list[str]()
    with Arena.open() as arena:
        for name in names:
            started = monotonic()
            found, lines = PARTS[name](arena, options.mutant)
            figures = figures.joined(found)
            missing += lines
            say_part(name, monotonic() - started)
    say_figures(figures)
    whole = not options.only and not options.mutant
    missing += shortcomings(figures)
    missing += [f"{name} was not run" for name in left_out(figures) if whole]
    for line in missing:
        say(f"MISSING {line}")
    seconds = round(monotonic() - begun, 1)
    say(f"{'the proof stands' if not missing else 'no proof'} after {seconds:.0f} s")
    _write(BUILD / ("prove.json" if whole else "prove-part.json"), figures, seconds)
    return 1 if missing else 0


def _mutants(arena: Arena, chosen: Sequence[str]) -> tuple[Figures, list[str]]:
    results: list[Result] = []
    for kind, tried in (("database", break_database), ("source", break_source)):
        begun = monotonic()
        found = list(say_alive(tried(arena, chosen)))
        killed = sum(result.verdict == "killed" for result in found)
        say_part(f"{kind}: {killed}/{len(found)} killed", monotonic() - begun)
        results += found
    return mutant_figures(results), [] if chosen else outdated(results)


Part = Callable[[Arena, Sequence[str]], tuple[Figures, list[str]]]
PARTS: Mapping[str, Part] = {
    "matrix": lambda arena, _chosen: attack_routes(arena),
    "catalogue": lambda arena, _chosen: examine_tables(arena),
    "pooler": lambda arena, _chosen: attack_through_pooler(arena),
    "mutants": _mutants,
}


def _write(path: Path, figures: Figures, seconds: float) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**figures.to_json(), "seconds": seconds}, indent=2))


if __name__ == "__main__":
    sys.exit(main())
