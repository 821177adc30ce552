"""Base classes of all tables: constraint names, tenant keys, timestamps and versions."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, MetaData
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

from insula.core import clock
from insula.core.ids import new_id

NAMING: Final = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}

metadata: Final[MetaData] = SQLModel.metadata
metadata.naming_convention = NAMING


_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Base(SQLModel):
    """Base class of all tables. Names the table after the class: ``TenantDomain`` is ``tenant_domain``."""

    @declared_attr.directive
    def __tablename__(cls) -> str:  # type: ignore[mutable-override]  # noqa: N805  # declared_attr passes the class
        """Return the class's name in snake case."""
        return _WORD_START.sub("_", cls.__name__).lower()


class Stamped(Base):
    """Mixin: when a row was created and last changed, and its version, which each update checks and increments."""

    created_at: datetime = Field(default_factory=clock.now, sa_type=DateTime(timezone=True), nullable=False)
    updated_at: datetime = Field(
        default_factory=clock.now,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"onupdate": clock.now},
        nullable=False,
    )
    version: int = Field(default=1, nullable=False)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, object]:  # noqa: N805  # declared_attr passes the class
        """Make ``version`` the mapper's version counter: a stale update raises StaleDataError."""
        return {"version_id_col": cls.version}


class TenantOwned(Stamped):
    """Mixin of a tenant's tables: the primary key starts with the tenant, so an id alone finds no row.

    Create the table with ``insula.db.schema.ddl.create_tenant_table``, which adds these columns and row-level
    security.
    """

    tenant_id: UUID = Field(primary_key=True, foreign_key="tenant.id")
    id: UUID = Field(default_factory=new_id, primary_key=True)


def tenant_fk(columns: str | Sequence[str], table: str, *, ondelete: str = "CASCADE") -> ForeignKeyConstraint:
    """Return the composite foreign key of ``columns`` to another table of the same tenant.

    The tenant's id comes first on both sides, so a row cannot reference, or cascade into, another
    tenant's. For models (``__table_args__``) and migrations. To set a reference to null, name its
    column, ``ondelete="SET NULL (parent_id)"``: without the list PostgreSQL would null the tenant too.
    """
    local = [columns] if isinstance(columns, str) else list(columns)
    return ForeignKeyConstraint(["tenant_id", *local], [f"{table}.tenant_id", f"{table}.id"], ondelete=ondelete)
