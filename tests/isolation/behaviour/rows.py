"""Probes for rows: each command on mine, on theirs, and without a tenant."""

from typing import Final
from uuid import UUID

from sqlalchemy import Select, delete, literal, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql import Executable

from insula.core.ids import new_id
from insula.db.engine.roles import OWNER, DatabaseRole
from insula.db.schema.rights import Command
from tests.isolation.behaviour.outcome import TAKEN
from tests.isolation.behaviour.report import Findings
from tests.isolation.behaviour.subjects import ROLES, Subject
from tests.isolation.behaviour.tenant_pair import TenantPair
from tests.support.apps import DECLARED
from tests.support.samples import Row

_NOBODY: Final = UUID(int=2**128 - 1)


async def probe_rows(pair: TenantPair, subject: Subject, found: Findings) -> None:
    """Try every command of every role on a row of mine and on one of theirs."""
    for role in ROLES:
        for command in ("SELECT", "UPDATE", "DELETE"):
            await _reach(pair, subject, role, command, found)
        await _lock_rows(pair, subject, role, found)
        await _insert(pair, subject, role, found)
        if subject.owner is not None:
            await _change_hands(pair, subject, role, found)
            await _upsert(pair, subject, role, found)
            await _without_row_security(pair, subject, role, found)
    if subject.owner is not None:
        await _owner(pair, subject, found)


async def _reach(pair: TenantPair, subject: Subject, role: DatabaseRole, command: Command, found: Findings) -> None:
    mine, theirs = (rows[subject.table.name] for rows in (pair.my_rows, pair.their_rows))
    own, foreign = (_statement(subject, role, command, row) for row in (mine, theirs))
    allowed = subject.may(role, command)
    if allowed is None or (subject.followed and command != "SELECT"):
        found.denied(role, f"{command} mine", await pair.attempt(role, own, pair.mine))
        found.denied(role, f"{command} theirs", await pair.attempt(role, foreign, pair.mine))
        return
    found.works(role, f"{command} mine", await pair.attempt(role, own, pair.mine))
    if allowed.reach == "all":
        found.works(role, f"{command} theirs", await pair.attempt(role, foreign, pair.mine))
        found.works(role, f"{command} without a tenant", await pair.attempt(role, own, None))
    else:
        found.nothing(role, f"{command} theirs", await pair.attempt(role, foreign, pair.mine))
        found.nothing(role, f"{command} without a tenant", await pair.attempt(role, own, None))
        if command != "SELECT":
            returning = _statement(subject, role, command, theirs, returning=True)
            found.nothing(role, f"{command} theirs RETURNING", await pair.attempt(role, returning, pair.mine))


async def _lock_rows(pair: TenantPair, subject: Subject, role: DatabaseRole, found: Findings) -> None:
    mine, theirs = (rows[subject.table.name] for rows in (pair.my_rows, pair.their_rows))
    own, foreign = (_select(subject, role, row).with_for_update() for row in (mine, theirs))
    seen, changed = subject.may(role, "SELECT"), subject.may(role, "UPDATE")
    what = "SELECT FOR UPDATE"
    if seen is None or changed is None:
        found.denied(role, f"{what} mine", await pair.attempt(role, own, pair.mine))
        return
    found.works(role, f"{what} mine", await pair.attempt(role, own, pair.mine))
    outcome = await pair.attempt(role, foreign, pair.mine)
    if {seen.reach, changed.reach} == {"all"}:
        found.works(role, f"{what} theirs", outcome)
    else:
        found.nothing(role, f"{what} theirs", outcome)


async def _insert(pair: TenantPair, subject: Subject, role: DatabaseRole, found: Findings) -> None:
    allowed = subject.may(role, "INSERT")
    mine, theirs = _new_owners(pair, subject)
    own = _insertion(subject, role, subject.sample(mine, pair.my_parents))
    foreign = _insertion(subject, role, subject.sample(theirs, pair.their_rows))
    if allowed is None or subject.followed:
        found.denied(role, "INSERT mine", await pair.attempt(role, own, mine))
        return
    found.works(role, "INSERT mine", await pair.attempt(role, own, mine))
    seen = subject.may(role, "SELECT")
    mark = subject.table.c[subject.mark(role)]
    returned = await pair.attempt(role, own.returning(mark), mine)
    if seen is None:
        found.denied(role, "INSERT mine RETURNING", returned)
    else:
        found.works(role, "INSERT mine RETURNING", returned)
    if allowed.reach == "tenant":
        found.denied(role, "INSERT theirs", await pair.attempt(role, foreign, mine))
        found.denied(role, "INSERT without a tenant", await pair.attempt(role, own, None))
        unknown = _insertion(subject, role, subject.sample(_NOBODY, pair.their_rows))
        found.denied(role, "INSERT of nobody's, without a tenant", await pair.attempt(role, unknown, None))


async def _change_hands(pair: TenantPair, subject: Subject, role: DatabaseRole, found: Findings) -> None:
    allowed = subject.may(role, "UPDATE")
    if allowed is not None and allowed.reach == "all" and not allowed.columns:
        return
    given, taken = (update(subject.table).values(subject.given_to(tenant)) for tenant in (pair.theirs, pair.mine))
    name = subject.table.name
    given = given.where(subject.row_is(role, pair.my_rows[name]))
    found.denied(role, "UPDATE gives mine away", await pair.attempt(role, given, pair.mine))
    taken = taken.where(subject.row_is(role, pair.their_rows[name]))
    outcome = await pair.attempt(role, taken, pair.mine)
    if allowed is None or allowed.columns or subject.followed:
        found.denied(role, "UPDATE takes theirs", outcome)
    else:
        found.nothing(role, "UPDATE takes theirs", outcome)


async def _upsert(pair: TenantPair, subject: Subject, role: DatabaseRole, found: Findings) -> None:
    """Try conflicts with their row, which must reveal and change nothing; a row of mine with their values must work."""
    allowed = subject.may(role, "INSERT")
    if allowed is not None and allowed.reach == "all":
        return
    name, key = subject.table.name, list(subject.table.primary_key.columns)
    _, nowhere = _new_owners(pair, subject)
    for what, row in (("theirs", pair.their_rows[name]), ("nowhere", subject.sample(nowhere, pair.their_rows))):
        upsert = _insertion(subject, role, row)
        ignored = upsert.on_conflict_do_nothing()
        column = subject.updatable(role)
        changed = upsert.on_conflict_do_update(index_elements=key, set_={column: upsert.excluded[column]})
        found.denied(role, f"upsert {what}, DO NOTHING", await pair.attempt(role, ignored, pair.mine))
        found.denied(role, f"upsert {what}, DO UPDATE", await pair.attempt(role, changed, pair.mine))
    if allowed is not None and name != "tenant" and not subject.followed:
        twin = _insertion(subject, role, _twin(pair, subject))
        outcome = await pair.attempt(role, twin, pair.mine)
        if outcome.state == TAKEN and any((table, rule) == (name, "unique") for table, rule, _ in DECLARED.exceptions):
            found.fails(role, "INSERT mine, with their values", outcome, TAKEN)
        else:
            found.works(role, "INSERT mine, with their values", outcome)


async def _without_row_security(pair: TenantPair, subject: Subject, role: DatabaseRole, found: Findings) -> None:
    every = select(literal(1)).select_from(subject.table)
    outcome = await pair.attempt(role, every, pair.mine, "SET LOCAL row_security = off")
    found.denied(role, "SELECT with row_security off", outcome)


async def _owner(pair: TenantPair, subject: Subject, found: Findings) -> None:
    """Try as the owner role: row-level security binds it too, except that a backfill may list the tenants."""
    role = OWNER
    own = _select(subject, role, pair.my_rows[subject.table.name])
    found.works(role, "SELECT mine", await pair.as_owner(own, pair.mine))
    for what, tenant_id in (("as another tenant", pair.theirs), ("without a tenant", None)):
        outcome = await pair.as_owner(own, tenant_id)
        if subject.may(role, "SELECT"):
            found.works(role, f"SELECT {what}", outcome)
        else:
            found.nothing(role, f"SELECT {what}", outcome)


def _new_owners(pair: TenantPair, subject: Subject) -> tuple[UUID, UUID]:
    """Return the tenants of a new row of mine and of theirs: a new tenant belongs to itself."""
    return (new_id(), new_id()) if subject.table.name == "tenant" else (pair.mine, pair.theirs)


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


def _twin(pair: TenantPair, subject: Subject) -> Row:
    """Return a row of mine with the values of theirs, except references."""
    fresh = subject.sample(pair.mine, pair.my_parents)
    references = {element.parent.name for key in subject.table.foreign_key_constraints for element in key.elements}
    kept = references | subject.given_to(pair.mine).keys() | {"tenant_id"}
    theirs = pair.their_rows[subject.table.name]
    return {name: value if name in kept else theirs[name] for name, value in fresh.items()}
