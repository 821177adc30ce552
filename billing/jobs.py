"""What the worker runs for billing, by the clock."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

from billing.service.overrides import expire_overrides
from billing.service.sweep import sweep
from insula.jobs import Handlers, JobContext


async def _sweep(context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
    await sweep(context.database)


async def _expire_overrides(context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
    await expire_overrides(context.database)


JOBS: Final[Handlers] = MappingProxyType({"billing.sweep": _sweep, "billing.expire_overrides": _expire_overrides})
