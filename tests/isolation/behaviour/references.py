"""References stay within a tenant: another tenant's row is refused like a row that does not exist."""

from sqlalchemy import ForeignKeyConstraint, Insert, insert

from insula.db.engine.roles import DatabaseRole
from tests.isolation.behaviour.islands import Islands
from tests.isolation.behaviour.outcome import MISSING
from tests.isolation.behaviour.report import Findings
from tests.isolation.behaviour.subjects import ROLES, Subject
from tests.support.samples import Row, referring, sample, tenant_of


async def probe_references(islands: Islands, subject: Subject, found: Findings) -> None:
    """Try to make a row of mine reference one of theirs, as each role that may insert, and the reverse."""
    for held in subject.table.foreign_key_constraints:
        if held.referred_table.name == "tenant" or tenant_of(held.referred_table) is None:
            continue
        await _under_theirs(islands, subject, held, found)
        await _under_mine(islands, subject, held, found)


async def _under_theirs(islands: Islands, subject: Subject, held: ForeignKeyConstraint, found: Findings) -> None:
    parent = held.referred_table
    own = subject.sample(islands.mine, islands.my_parents)
    nowhere = sample(parent, islands.theirs, islands.their_rows)
    for role in (role for role in ROLES if _may_refer(subject, role, held)):
        mine, theirs, nobodys = [
            await islands.attempt(role, _child(subject, role, own, referring(held, row)), islands.mine)
            for row in (islands.my_rows[parent.name], islands.their_rows[parent.name], nowhere)
        ]
        found.works(role, f"INSERT under my {parent.name}", mine)
        found.fails(role, f"INSERT under their {parent.name}", theirs, MISSING)
        found.same(role, f"INSERT under their {parent.name} as under none", theirs, nobodys)


async def _under_mine(islands: Islands, subject: Subject, held: ForeignKeyConstraint, found: Findings) -> None:
    """Even without policies, their row cannot reference mine: so deleting mine touches nothing of theirs."""
    parent = held.referred_table.name
    own = subject.sample(islands.theirs, {**islands.their_rows, **_global(islands)})
    crossing = insert(subject.table).values({**own, **referring(held, islands.my_rows[parent]), **_theirs(islands)})
    sound = insert(subject.table).values({**own, **referring(held, islands.their_rows[parent])})
    what = f"INSERT of theirs under my {parent}"
    found.fails("the superuser", what, await islands.by_superuser(crossing), MISSING)
    found.works("the superuser", f"INSERT of theirs under their {parent}", await islands.by_superuser(sound))


def _may_refer(subject: Subject, role: DatabaseRole, held: ForeignKeyConstraint) -> bool:
    allowed = subject.may(role, "INSERT")
    return allowed is not None and all(allowed.names(element.parent.name) for element in held.elements)


def _child(subject: Subject, role: DatabaseRole, own: Row, reference: Row) -> Insert:
    return insert(subject.table).values(subject.insertable(role, {**own, **reference, "tenant_id": own["tenant_id"]}))


def _theirs(islands: Islands) -> Row:
    return {"tenant_id": islands.theirs}


def _global(islands: Islands) -> dict[str, Row]:
    """Return the rows of no tenant that nothing references yet."""
    return {
        subject.table.name: islands.my_parents[subject.table.name]
        for subject in islands.subjects
        if subject.owner is None and subject.has_rows
    }
