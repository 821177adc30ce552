"""PostgreSQL's plans for the product's statements, logged by auto_explain while the product runs."""

import asyncio
import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg
from pydantic import BaseModel, ConfigDict, Field

from benchmarks.growth.measuring import Subject
from benchmarks.growth.people import OPERATIONS
from benchmarks.growth.serving import Client, serving
from benchmarks.growth.size import Size
from benchmarks.growth.testbed import Testbed
from insula.core.settings import Settings
from insula.db.engine.roles import GATE
from tenants.database import TENANTS

_EXPLAIN: Final = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_format": "json",
}
_ROLES: Final = (TENANTS, GATE)
_LOGGED: Final = re.compile(r"duration: [\d.]+ ms  plan:\n((?:\t.*\n)+)")
_PAGES: Final = 50  # a sequential scan of a smaller table is fine
_ASKED: Final = 12
"""How often each request is sent: after five executions a prepared statement may get another plan."""
_STATEMENTS: Final[Mapping[str, re.Pattern[str]]] = {
    "access of the caller": re.compile(r'from "user" u\b.*join auth_session', re.DOTALL),
    "one item": re.compile(r"FROM project_item\s+WHERE(?!.*ORDER BY)", re.DOTALL),
    "a page of items": re.compile(r"FROM project_item\s+WHERE.*ORDER BY", re.DOTALL),
}


class Node(BaseModel):
    """A step of a plan."""

    model_config = ConfigDict(extra="ignore")

    kind: str = Field(alias="Node Type")
    relation: str = Field("", alias="Relation Name")
    index: str = Field("", alias="Index Name")
    plans: list["Node"] = Field([], alias="Plans")

    def steps(self) -> Iterator["Node"]:
        """Yield the step and all steps below it."""
        yield self
        for plan in self.plans:
            yield from plan.steps()

    @property
    def shape(self) -> str:
        """The plan in a line."""
        what = self.index or self.relation
        below = ", ".join(plan.shape for plan in self.plans)
        return f"{self.kind}{f' {what}' if what else ''}{f' ({below})' if below else ''}"


class Explained(BaseModel):
    """A log entry of auto_explain."""

    model_config = ConfigDict(extra="ignore")

    query: str = Field(alias="Query Text")
    plan: Node = Field(alias="Plan")


@dataclass(frozen=True)
class Plans:
    """The plan of each statement, and the tables that are no longer small."""

    by_purpose: Mapping[str, Node]
    large: frozenset[str]

    @property
    def shapes(self) -> Mapping[str, str]:
        """Each plan in a line."""
        return {purpose: plan.shape for purpose, plan in self.by_purpose.items()}

    @property
    def read_whole(self) -> list[str]:
        """The large tables that a statement reads by a sequential scan."""
        steps = [step for plan in self.by_purpose.values() for step in plan.steps()]
        return [step.relation for step in steps if step.kind == "Seq Scan" and step.relation in self.large]


def plans_of(testbed: Testbed, subject: Subject, cores: Collection[int]) -> Plans:
    """Return the last plan of each statement, after several requests of both operations."""
    asyncio.run(_explain(subject.settings, subject.size, on=True))
    known = testbed.database_log.stat().st_size
    try:
        with (
            serving(subject.settings, testbed.directory / "plans.log", cores) as server,
            closing(Client(server)) as client,
        ):
            for person in subject.people[:_ASKED]:
                for operation in OPERATIONS:
                    client.send(person.request_for(operation))
    finally:
        asyncio.run(_explain(subject.settings, subject.size, on=False))
    found = dict(_found(testbed.database_log, known))
    if found.keys() != _STATEMENTS.keys():
        raise RuntimeError(f"no plan was logged for {', '.join(_STATEMENTS.keys() - found.keys())}")
    return Plans(found, asyncio.run(_large(subject.settings)))


def _found(log: Path, known: int) -> Iterator[tuple[str, Node]]:
    with log.open() as file:
        file.seek(known)
        text = file.read()
    for logged in _LOGGED.findall(text):
        explained = Explained.model_validate(json.loads(logged))
        for what, pattern in _STATEMENTS.items():
            if pattern.search(explained.query):
                yield what, explained.plan


async def _large(settings: Settings) -> frozenset[str]:
    connection = await asyncpg.connect(settings.database_url)
    try:
        rows = await connection.fetch("SELECT relname FROM pg_class WHERE relpages > $1", _PAGES)
    finally:
        await connection.close()
    return frozenset(row["relname"] for row in rows)


async def _explain(settings: Settings, size: Size, *, on: bool) -> None:
    connection = await asyncpg.connect(settings.database_url)
    try:
        for role in _ROLES:
            for name, value in _EXPLAIN.items():
                change = f"SET {name} = '{value}'" if on else f"RESET {name}"
                await connection.execute(f"ALTER ROLE {role} IN DATABASE {size.key} {change}")
    finally:
        await connection.close()
