"""Breaks the database: applies each mutant to a clone; the catalogue check and the mutant's witness must detect it."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from time import monotonic

from sqlalchemy import create_engine
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from insula.db.catalogue.check import check_catalogue
from tests.proof.arena import JOBS, Arena
from tests.proof.baseline import unfit
from tests.proof.behaviour import behaviour
from tests.proof.mutants.database import schema_mutants
from tests.proof.mutants.schema_mutants import Probe, SchemaMutant, batches
from tests.proof.results import Result
from tests.proof.suites import Outcome, Tests
from tests.support.apps import DECLARED
from tests.support.cluster import Servers

CHECK = "the catalogue check"
_ATTEMPTS = 2
Timed = tuple[Outcome, float]


def break_database(arena: Arena, chosen: Collection[str] = ()) -> Iterator[Result]:
    """Try every mutant, or those whose name contains one of ``chosen``."""
    with (
        arena.sandbox() as sandbox,
        arena.database("proof_check", sandbox) as servers,
        _connected(servers) as connection,
    ):
        found = [
            mutant for mutant in schema_mutants(connection) if not chosen or any(name in mutant.name for name in chosen)
        ]
    wide, others = (
        [mutant for mutant in found if mutant.server_wide],
        [mutant for mutant in found if not mutant.server_wide],
    )
    shares = [[*wide, *others[::JOBS]], *(others[at::JOBS] for at in range(1, JOBS))]
    named: dict[str, Outcome] = {}
    for outcomes in arena.each(shares, partial(_named, arena)):
        named |= outcomes
    witnessed = [mutant for mutant in found if mutant.witness is not None and named[mutant.name].verdict != "broken"]
    known = unfit(arena, [mutant.witness for mutant in witnessed if isinstance(mutant.witness, Tests)])
    seen: dict[str, Timed] = {
        mutant.name: (known[suite], 0.0)
        for mutant in witnessed
        if isinstance(suite := mutant.witness, Tests) and suite in known
    }
    witnessed = [mutant for mutant in witnessed if mutant.name not in seen]
    for result in arena.each(
        batches(mutant for mutant in witnessed if not mutant.server_wide), partial(_witnessed, arena)
    ):
        seen |= result
    for mutant in witnessed:
        if mutant.server_wide:
            seen |= _witnessed(arena, [mutant])
    for mutant in found:
        yield _joined(mutant, named[mutant.name], seen.get(mutant.name))


def _connected(servers: Servers) -> Connection:
    url = make_url(servers.database_url).set(drivername="postgresql+psycopg")
    return create_engine(url, poolclass=NullPool).connect()


def _change(servers: Servers, statements: Sequence[str]) -> None:
    with _connected(servers) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.commit()


def _named(arena: Arena, share: Sequence[SchemaMutant]) -> dict[str, Outcome]:
    with arena.sandbox() as sandbox, arena.database(f"proof_check_{sandbox.number}", sandbox) as servers:
        return arena.call(_checked, servers, share)


def _checked(servers: Servers, share: Sequence[SchemaMutant]) -> dict[str, Outcome]:
    """Return the catalogue check's outcome for each mutant; called in a process of its own."""
    with _connected(servers) as connection:
        return {mutant.name: _judged(connection, mutant) for mutant in share}


def _judged(connection: Connection, mutant: SchemaMutant) -> Outcome:
    """Return the catalogue check's outcome in a transaction that makes the mutant and is then rolled back."""
    try:
        for statement in mutant.statements:
            connection.exec_driver_sql(statement)
        findings = check_catalogue(connection, DECLARED)
    except SQLAlchemyError as error:
        return Outcome("broken", f"the mutant cannot be made: {error.args[0]}")
    finally:
        connection.rollback()
    if not findings:
        return Outcome("survived", f"{CHECK} finds nothing")
    return Outcome("killed", findings[0])


def _witnessed(arena: Arena, batch: Sequence[SchemaMutant]) -> dict[str, Timed]:
    """Make these mutants in a database of their own and return the outcome of each one's witness."""
    begun = monotonic()
    with arena.sandbox() as sandbox, arena.database(f"proof_{sandbox.number}", sandbox) as servers:
        _change(servers, [statement for mutant in batch for statement in mutant.statements])
        witness = batch[0].witness
        if isinstance(witness, Tests):
            outcomes = [arena.run(witness, servers, sandbox)]
        else:
            outcomes = _behaves(arena, servers, batch)
        _change(servers, [statement for mutant in batch for statement in mutant.undone_by])
    seconds = (monotonic() - begun) / len(batch)
    return {mutant.name: (outcome, seconds) for mutant, outcome in zip(batch, outcomes, strict=True)}


def _behaves(arena: Arena, servers: Servers, batch: Sequence[SchemaMutant]) -> list[Outcome]:
    probes = [mutant.witness for mutant in batch if isinstance(mutant.witness, Probe)]
    problem: Exception | None = None
    for _ in range(_ATTEMPTS):  # on a busy machine connections may time out
        try:
            lines = arena.call(behaviour, servers, probes[0].table)
        except (SQLAlchemyError, OSError) as error:
            problem = error
        else:
            return [_outcome_for(probe, lines) for probe in probes]
    return [Outcome("broken", f"the behaviour suite could not run: {problem!r}")] * len(batch)


def _outcome_for(probe: Probe, lines: Sequence[str]) -> Outcome:
    line = next((line for line in lines if probe.sees(line)), None)
    return Outcome("survived", f"{probe.name} is as declared") if line is None else Outcome("killed", line)


def _joined(mutant: SchemaMutant, checked: Outcome, witnessed: Timed | None) -> Result:
    """Join the outcomes of the check and of the witness, if there is one: both must detect the mutant."""
    if witnessed is None or mutant.witness is None:
        return Result(mutant.name, CHECK, checked.verdict, checked.detail)
    outcome, seconds = witnessed
    missed = checked if outcome.verdict == "killed" and checked.verdict != "killed" else outcome
    return Result(mutant.name, f"{CHECK}; {mutant.witness.name}", missed.verdict, missed.detail, seconds)
