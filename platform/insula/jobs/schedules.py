"""What runs by the clock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task without a tenant that is due by the clock, once for all workers; runs may overlap."""

    task: str
    cron: str  # minute, hour, day, month, weekday and, if there is a sixth, second
