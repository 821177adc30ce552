from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

from billing.webhooks.sweep import sweep
from insula.jobs import Handlers, JobContext, Periodic


async def _sweep(context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
    await sweep(context.database)


JOBS: Final[Handlers] = MappingProxyType({"billing.sweep": _sweep})
SCHEDULES: Final = (Periodic("billing.sweep", "* * * * * */10"),)
