"""The jobs of all resources, by name, and their schedules. The names are stored in the queue: they stay."""

from types import MappingProxyType
from typing import Final

from insula.jobs import Handlers
from tenants.domains import jobs as domains
from tenants.invitations import jobs as invitations

JOBS: Final[Handlers] = MappingProxyType({**invitations.JOBS, **domains.JOBS})
SCHEDULES: Final = (*invitations.SCHEDULES, *domains.SCHEDULES)
