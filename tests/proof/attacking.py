"""Runs the attack matrix on every route, directly and through a transaction pooler, and the probes of every table."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal

from tests.isolation.matrix.routes import live_routes
from tests.proof.arena import Arena
from tests.proof.behaviour import every_behaviour
from tests.proof.figures import Figures
from tests.proof.suites import Attacks, Outcome, Suite, Tests, lines_of
from tests.support.cluster import Servers

SECONDS: Final = 1500
_TOGETHER: Final = 8
_CATALOGUE: Final = Tests(("tests/db/test_migrations.py", "tests/isolation/test_catalogue.py"))
_POOLER: Final = Tests(("tests/pooler",))
_POOLED: Final = Tests(
    tuple(
        f"tests/faults/test_{name}.py"
        for name in (
            "09_alternating_tenants",
            "10_commit_within_a_request",
            "11_tenant_unset",
            "18_repeated_key",
            "28_membership",
            "28_revoked_key",
        )
    )
)
"""Tests that are also run unchanged through the pooler."""

Rerouting = Callable[[Servers], Servers]


def attack_routes(arena: Arena) -> tuple[Figures, list[str]]:
    """Attack every route with every cell."""
    counted, lines = _attack(arena, "full", lambda servers: servers)
    return Figures(
        routes=counted["routes"],
        routes_attacked=counted["routes_attacked"],
        cells=counted["cells"],
        cells_run=counted["cells_run"],
        attempts=counted["attempts"],
        controls=counted["controls"],
        controls_passed=counted["controls_passed"],
        leaks=counted["leaks"],
        foreign_rows_changed=counted["rows_changed"],
    ), lines


def examine_tables(arena: Arena) -> tuple[Figures, list[str]]:
    """Try every command of every role on every table, and check every revision against the declarations."""
    checked = _on_a_fresh_database(arena, _CATALOGUE, lambda servers: servers)
    with arena.sandbox() as sandbox, arena.database("proof_tables", sandbox) as servers:
        report = arena.call(every_behaviour, servers)
    sound = checked.verdict == "survived"
    lines = [*report.failures, *([] if sound else [f"the catalogue check over the revisions: {checked.detail}"])]
    return Figures(tables=report.tables, tables_passed=report.tables_passed if sound else 0), lines


def attack_through_pooler(arena: Arena) -> tuple[Figures, list[str]]:
    """Attack every route again, with few server connections that all tenants share."""
    alternating = _on_a_fresh_database(arena, _POOLER, lambda servers: servers)
    with arena.pooler() as through:
        counted, lines = _attack(arena, "short", through)
        faults = _on_a_fresh_database(arena, _POOLED, through)
    lines = [f"through the pooler: {line}" for line in lines]
    lines += [f"through the pooler: {one.detail}" for one in (alternating, faults) if one.verdict != "survived"]
    if counted["cells_run"] != counted["cells"] or counted["controls_passed"] != counted["controls"]:
        lines.append("through the pooler: not every cell or control")
    return Figures(pooler_leaks=len(lines)), lines


def _attack(arena: Arena, depth: Literal["short", "full"], lead: Rerouting) -> tuple[Counter[str], list[str]]:
    """Return the sums over all routes, and one line for each finding."""
    suites = [Attacks(tuple(names), depth, SECONDS, to_the_end=True) for names in _groups(list(live_routes()))]
    counted: Counter[str] = Counter()
    lines: list[str] = []
    outcomes = arena.each(suites, lambda suite: _on_a_fresh_database(arena, suite, lead))
    for suite, outcome in zip(suites, outcomes, strict=True):
        if not outcome.report:
            counted["routes"] += len(suite.routes)
            lines.append(f"{suite.name}: {outcome.detail}")
            continue
        for name, value in outcome.report.items():
            counted[name] += value if isinstance(value, int) else len(value)
        lines += lines_of(outcome.report)
    return counted, lines


def _groups(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Distribute the routes, so that the slow ones are spread over the groups."""
    count = -(-len(names) // _TOGETHER)
    yield from (names[at::count] for at in range(count))


def _on_a_fresh_database(arena: Arena, suite: Suite, lead: Rerouting) -> Outcome:
    with arena.sandbox() as sandbox, arena.database(f"proof_{sandbox.number}", sandbox) as servers:
        return arena.run(suite, lead(servers), sandbox)
