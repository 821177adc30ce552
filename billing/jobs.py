"""The jobs of all resources, by name, and their schedules. The names are stored in the queue: they stay."""

from types import MappingProxyType
from typing import Final

from billing.overrides import jobs as overrides
from billing.webhooks import jobs as webhooks
from insula.jobs import Handlers

JOBS: Final[Handlers] = MappingProxyType({**webhooks.JOBS, **overrides.JOBS})
SCHEDULES: Final = (*webhooks.SCHEDULES, *overrides.SCHEDULES)
