"""This app's login to the database, and the table of its own callers. Each resource declares its rights."""

from typing import Final

from insula.db.engine.roles import AppRole
from insula.db.schema.declarations import DatabasePart, DeclaredRole
from insula.db.schema.rights import global_table, may
from support.agents import SupportAgent

SUPPORT: Final = AppRole("insula_support")

DATABASE: Final = DatabasePart(
    roles=(DeclaredRole(role=SUPPORT),),
    tables=(
        global_table(SupportAgent),
        may(SUPPORT, "all", SupportAgent, "SELECT"),
    ),
)
