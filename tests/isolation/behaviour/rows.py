"""Which rows a command reaches: mine, theirs, and which ones without a tenant."""

from typing import Final
from uuid import UUID

from sqlalchemy import Select, delete, literal, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql import Executable

from insula.core.ids import new_id
from insula.db.engine.roles import OWNER, DatabaseRole
from insula.db.schema.rights import Command
from tests.isolation.behaviour.islands import Islands
from tests.isolation.behaviour.outcome import TAKEN
from tests.isolation.behaviour.report import Findings
from tests.isolation.behaviour.subjects import ROLES, Subject
from tests.support.apps import DECLARED
from tests.support.samples import Row

_NOBODY: Final = UUID(int=2**128 - 1)


async def probe_rows(islands: Islands, subject: Subject, found: Findings) -> None:
    """Try every command of every role on a row of mine and on one of theirs."""
    for role in ROLES:
        for command in ("SELECT", "UPDATE", "DELETE"):
            await _reach(islands, subject, role, command, found)
        await _lock_rows(islands, subject, role, found)
        await _insert(islands, subject, role, found)
        if subject.owner is not None:
            await _change_hands(islands, subject, role, found)
            await _upsert(islands, subject, role, found)
            await _without_row_security(islands, subject, role, found)
    if subject.owner is not None:
        await _owner(islands, subject, found)


async def _reach(islands: Islands, subject: Subject, role: DatabaseRole, command: Command, found: Findings) -> None:
    mine, theirs = (rows[subject.table.name] for rows in (islands.my_rows, islands.their_rows))
    own, foreign = (_statement(subject, role, command, row) for row in (mine, theirs))
    allowed = subject.may(role, command)
    if allowed is None or (subject.followed and command != "SELECT"):
        found.denied(role, f"{command} mine", await islands.attempt(role, own, islands.mine))
        found.denied(role, f"{command} theirs", await islands.attempt(role, foreign, islands.mine))
        return
    found.works(role, f"{command} mine", await islands.attempt(role, own, islands.mine))
    if allowed.reach == "all":
        found.works(role, f"{command} theirs", await islands.attempt(role, foreign, islands.mine))
        found.works(role, f"{command} without a tenant", await islands.attempt(role, own, None))
    else:
        found.nothing(role, f"{command} theirs", await islands.attempt(role, foreign, islands.mine))
        found.nothing(role, f"{command} without a tenant", await islands.attempt(role, own, None))
        if command != "SELECT":
            returning = _statement(subject, role, command, theirs, returning=True)
            found.nothing(role, f"{command} theirs RETURNING", await islands.attempt(role, returning, islands.mine))


async def _lock_rows(islands: Islands, subject: Subject, role: DatabaseRole, found: Findings) -> None:
    mine, theirs = (rows[subject.table.name] for rows in (islands.my_rows, islands.their_rows))
    own, foreign = (_select(subject, role, row).with_for_update() for row in (mine, theirs))
    seen, changed = subject.may(role, "SELECT"), subject.may(role, "UPDATE")
    what = "SELECT FOR UPDATE"
    if seen is None or changed is None:
        found.denied(role, f"{what} mine", await islands.attempt(role, own, islands.mine))
        return
    found.works(role, f"{what} mine", await islands.attempt(role, own, islands.mine))
    outcome = await islands.attempt(role, foreign, islands.mine)
    if {seen.reach, changed.reach} == {"all"}:
        found.works(role, f"{what} theirs", outcome)
    else:
        found.nothing(role, f"{what} theirs", outcome)


async def _insert(islands: Islands, subject: Subject, role: DatabaseRole, found: Findings) -> None:
    allowed = subject.may(role, "INSERT")
    mine, theirs = _new_owners(islands, subject)
    own = _insertion(subject, role, subject.sample(mine, islands.my_parents))
    foreign = _insertion(subject, role, subject.sample(theirs, islands.their_rows))
    if allowed is None or subject.followed:
        found.denied(role, "INSERT mine", await islands.attempt(role, own, mine))
        return
    found.works(role, "INSERT mine", await islands.attempt(role, own, mine))
    seen = subject.may(role, "SELECT")
    mark = subject.table.c[subject.mark(role)]
    returned = await islands.attempt(role, own.returning(mark), mine)
    if seen is None:
        found.denied(role, "INSERT mine RETURNING", returned)
    else:
        found.works(role, "INSERT mine RETURNING", returned)
    if allowed.reach == "tenant":
        found.denied(role, "INSERT theirs", await islands.attempt(role, foreign, mine))
        found.denied(role, "INSERT without a tenant", await islands.attempt(role, own, None))
        nobodys = _insertion(subject, role, subject.sample(_NOBODY, islands.their_rows))
        found.denied(role, "INSERT of nobody's, without a tenant", await islands.attempt(role, nobodys, None))


async def _change_hands(islands: Islands, subject: Subject, role: DatabaseRole, found: Findings) -> None:
    allowed = subject.may(role, "UPDATE")
    if allowed is not None and allowed.reach == "all" and not allowed.columns:
        return
    given, taken = (update(subject.table).values(subject.given_to(tenant)) for tenant in (islands.theirs, islands.mine))
    name = subject.table.name
    given = given.where(subject.row_is(role, islands.my_rows[name]))
    found.denied(role, "UPDATE gives mine away", await islands.attempt(role, given, islands.mine))
    taken = taken.where(subject.row_is(role, islands.their_rows[name]))
    outcome = await islands.attempt(role, taken, islands.mine)
    if allowed is None or allowed.columns or subject.followed:
        found.denied(role, "UPDATE takes theirs", outcome)
    else:
        found.nothing(role, "UPDATE takes theirs", outcome)


async def _upsert(islands: Islands, subject: Subject, role: DatabaseRole, found: Findings) -> None:
    """Try conflicts with their row, which must reveal and change nothing; a row of mine with their values must work."""
    allowed = subject.may(role, "INSERT")
    if allowed is not None and allowed.reach == "all":
        return
    name, key = subject.table.name, list(subject.table.primary_key.columns)
    _, nowhere = _new_owners(islands, subject)
    for what, row in (("theirs", islands.their_rows[name]), ("nowhere", subject.sample(nowhere, islands.their_rows))):
        upsert = _insertion(subject, role, row)
        ignored = upsert.on_conflict_do_nothing()
        column = subject.updatable(role)
        changed = upsert.on_conflict_do_update(index_elements=key, set_={column: upsert.excluded[column]})
        found.denied(role, f"upsert {what}, DO NOTHING", await islands.attempt(role, ignored, islands.mine))
        found.denied(role, f"upsert {what}, DO UPDATE", await islands.attempt(role, changed, islands.mine))
    if allowed is not None and name != "tenant" and not subject.followed:
        twin = _insertion(subject, role, _twin(islands, subject))
        outcome = await islands.attempt(role, twin, islands.mine)
        if outcome.state == TAKEN and any((table, rule) == (name, "unique") for table, rule, _ in DECLARED.exceptions):
            found.fails(role, "INSERT mine, alike theirs", outcome, TAKEN)
        else:
            found.works(role, "INSERT mine, alike theirs", outcome)


async def _without_row_security(islands: Islands, subject: Subject, role: DatabaseRole, found: Findings) -> None:
    every = select(literal(1)).select_from(subject.table)
    outcome = await islands.attempt(role, every, islands.mine, "SET LOCAL row_security = off")
    found.denied(role, "SELECT with row_security off", outcome)


async def _owner(islands: Islands, subject: Subject, found: Findings) -> None:
    """Try as the owner role, which is bound too, except that a backfill may list the tenants."""
    role = OWNER
    own = _select(subject, role, islands.my_rows[subject.table.name])
    found.works(role, "SELECT mine", await islands.as_owner(own, islands.mine))
    for what, tenant_id in (("as another tenant", islands.theirs), ("without a tenant", None)):
        outcome = await islands.as_owner(own, tenant_id)
        if subject.may(role, "SELECT"):
            found.works(role, f"SELECT {what}", outcome)
        else:
            found.nothing(role, f"SELECT {what}", outcome)


def _new_owners(islands: Islands, subject: Subject) -> tuple[UUID, UUID]:
    """Return the tenants of a new row of mine and of theirs: a new tenant belongs to itself."""
    return (new_id(), new_id()) if subject.table.name == "tenant" else (islands.mine, islands.theirs)


def _insertion(subject: Subject, role: DatabaseRole, row: Row) -> Insert:
    return insert(subject.table).values(subject.insertable(role, row)).inline()  # without an implicit RETURNING


def _select(subject: Subject, role: DatabaseRole, row: Row) -> Select[int]:
    return select(literal(1)).select_from(subject.table).where(subject.row_is(role, row))


def _statement(
    subject: Subject, role: DatabaseRole, command: Command, row: Row, *, returning: bool = False
) -> Executable:
    if command == "SELECT":
        return _select(subject, role, row)
    there = subject.row_is(role, row)
    if command == "DELETE":
        gone = delete(subject.table).where(there)
        return gone.returning(literal(1)) if returning else gone
    column = subject.table.c[subject.updatable(role)]
    same = update(subject.table).values({column: column}).where(there)
    return same.returning(literal(1)) if returning else same


def _twin(islands: Islands, subject: Subject) -> Row:
    """Return a row of mine with the values of theirs, except references."""
    fresh = subject.sample(islands.mine, islands.my_parents)
    references = {element.parent.name for key in subject.table.foreign_key_constraints for element in key.elements}
    kept = references | subject.given_to(islands.mine).keys() | {"tenant_id"}
    theirs = islands.their_rows[subject.table.name]
    return {name: value if name in kept else theirs[name] for name, value in fresh.items()}
