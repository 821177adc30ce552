"""Scheduled tasks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Periodic:
    """A periodic task without a tenant, run once for all workers; runs may overlap."""

    task: str
    cron: str  # minute, hour, day, month, weekday and, optionally, second
