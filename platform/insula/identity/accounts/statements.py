"""Runs the identity role's statements in a unit of work."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Row, TextClause

from insula.db.engine.unit import Unit

AnyRow = Row[*tuple[object, ...]]
Values = Mapping[str, object]


async def run(unit: Unit, statement: TextClause, values: Values) -> None:
    """Run a statement for its effect."""
    await (await unit.session.connection()).execute(statement, values)


async def one(unit: Unit, statement: TextClause, values: Values) -> AnyRow | None:
    """Return the one row of a statement's result, or None."""
    return (await (await unit.session.connection()).execute(statement, values)).one_or_none()


async def every(unit: Unit, statement: TextClause, values: Values) -> Sequence[AnyRow]:
    """Return the rows of a statement's result."""
    return (await (await unit.session.connection()).execute(statement, values)).all()
