"""The rows of ``insula seed``, read as the superuser."""

import asyncio
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import asyncpg

from insula.core.settings import Settings
from insula.db.schema.base import metadata
from tests.support.cluster import superuser_url

KERNEL: Final[Mapping[str, int]] = MappingProxyType(
    {"tenant": 2, "user": 10, "credential": 10, "staff": 1, "membership": 10}
)
"""The number of demo rows in each of the kernel's tables."""

BILLED: Final[Mapping[str, int]] = MappingProxyType({"subscription": 2, "billing_customer": 1})
"""The number of demo rows in each of billing's tables, if the installation has them."""


def found(settings: Settings, statement: str) -> list[tuple[object, ...]]:
    """Return rows as the superuser, who bypasses row-level security."""

    async def run() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(superuser_url(settings).replace("+asyncpg", ""))
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(run())


def counts(settings: Settings, tables: Iterable[str] = (*KERNEL, *BILLED)) -> dict[str, int]:
    """Return the number of rows of each of these tables; leave out empty and missing ones."""
    there = [table for table in tables if table in metadata.tables]
    every = " union all ".join(f"select '{table}', count(*) from \"{table}\"" for table in there)  # noqa: S608  ours
    return {str(table): int(str(number)) for table, number in found(settings, every) if number}
