from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

from billing.overrides.service import expire_overrides
from insula.jobs import Handlers, JobContext, Periodic


async def _expire_overrides(context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
    await expire_overrides(context.database)


JOBS: Final[Handlers] = MappingProxyType({"billing.expire_overrides": _expire_overrides})
SCHEDULES: Final = (Periodic("billing.expire_overrides", "* * * * *"),)
