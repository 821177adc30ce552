"""The worker: takes jobs from the queue and runs each for its tenant. ``python -m insula.worker``."""

from insula.worker.process import run, work

__all__ = ["run", "work"]
