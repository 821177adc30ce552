from typing import Final

from billing.overrides import jobs
from insula.apps import Resource

RESOURCE: Final = Resource(jobs=jobs.JOBS, schedules=jobs.SCHEDULES)
