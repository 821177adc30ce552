"""References stay within a tenant: another tenant's row is refused like a row that does not exist."""

from sqlalchemy import ForeignKeyConstraint, Insert, insert

from insula.db.engine.roles import DatabaseRole
from tests.isolation.behaviour.outcome import MISSING
from tests.isolation.behaviour.report import Findings
from tests.isolation.behaviour.subjects import ROLES, Subject
from tests.isolation.behaviour.tenant_pair import TenantPair
from tests.support.samples import Row, referring, sample, tenant_of


async def probe_references(pair: TenantPair, subject: Subject, found: Findings) -> None:
    """Try to make a row of mine reference one of theirs, as each role that may insert, and the reverse."""
    if subject.owner is None:
        return  # a row of no tenant is neither mine nor theirs
    for held in subject.table.foreign_key_constraints:
        if held.referred_table.name == "tenant" or tenant_of(held.referred_table) is None:
            continue
        await _under_theirs(pair, subject, held, found)
        await _under_mine(pair, subject, held, found)


async def _under_theirs(pair: TenantPair, subject: Subject, held: ForeignKeyConstraint, found: Findings) -> None:
    parent = held.referred_table
    own = subject.sample(pair.mine, pair.my_parents)
    nowhere = sample(parent, pair.theirs, pair.their_rows)
    for role in (role for role in ROLES if _may_refer(subject, role, held)):
        mine, theirs, unknown = [
            await pair.attempt(role, _child(subject, role, own, referring(held, row)), pair.mine)
            for row in (pair.my_rows[parent.name], pair.their_rows[parent.name], nowhere)
        ]
        found.works(role, f"INSERT under my {parent.name}", mine)
        found.fails(role, f"INSERT under their {parent.name}", theirs, MISSING)
        found.same(role, f"INSERT under their {parent.name} as under none", theirs, unknown)


async def _under_mine(pair: TenantPair, subject: Subject, held: ForeignKeyConstraint, found: Findings) -> None:
    """Even without policies, their row cannot reference mine: so deleting mine touches nothing of theirs."""
    parent = held.referred_table.name
    own = subject.sample(pair.theirs, {**pair.their_rows, **_global(pair)})
    crossing = insert(subject.table).values({**own, **referring(held, pair.my_rows[parent]), **_theirs(pair)})
    sound = insert(subject.table).values({**own, **referring(held, pair.their_rows[parent])})
    what = f"INSERT of theirs under my {parent}"
    found.fails("the superuser", what, await pair.by_superuser(crossing), MISSING)
    found.works("the superuser", f"INSERT of theirs under their {parent}", await pair.by_superuser(sound))


def _may_refer(subject: Subject, role: DatabaseRole, held: ForeignKeyConstraint) -> bool:
    allowed = subject.may(role, "INSERT")
    return allowed is not None and all(allowed.names(element.parent.name) for element in held.elements)


def _child(subject: Subject, role: DatabaseRole, own: Row, reference: Row) -> Insert:
    return insert(subject.table).values(subject.insertable(role, {**own, **reference, "tenant_id": own["tenant_id"]}))


def _theirs(pair: TenantPair) -> Row:
    return {"tenant_id": pair.theirs}


def _global(pair: TenantPair) -> dict[str, Row]:
    """Return the rows of no tenant that nothing references yet."""
    return {
        subject.table.name: pair.my_parents[subject.table.name]
        for subject in pair.subjects
        if subject.owner is None and subject.has_rows
    }
