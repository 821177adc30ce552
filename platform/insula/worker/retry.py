"""Decides when a failed job is run again."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job
from pydantic import ValidationError

from insula.core import clock
from insula.core.errors import AppError, Unavailable
from insula.core.settings import JobsSettings
from insula.jobs import OutcomeUnknown

_FUTILE: Final = (OutcomeUnknown, AppError, ValidationError, PermissionError, LookupError)
_random: Final = random.SystemRandom()


@dataclass(frozen=True)
class Backoff(BaseRetryStrategy):
    """Waits that double up to a limit, with random jitter so that jobs that failed together do not retry together."""

    settings: JobsSettings

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Return when to run the job again, or None if it has failed for good."""
        if job.attempts + 1 >= self.settings.max_attempts or _is_futile(exception):
            return None
        if not isinstance(exception, Exception):  # cancelled: this worker stops, another one continues
            return RetryDecision(retry_at=clock.now())
        longest = min(self.settings.retry_seconds * 2.0**job.attempts, self.settings.retry_limit_seconds)
        return RetryDecision(retry_at=clock.now() + timedelta(seconds=_random.uniform(longest / 2, longest)))


def _is_futile(error: BaseException) -> bool:
    """Return whether the job would always fail, or must not be run again."""
    return isinstance(error, _FUTILE) and not isinstance(error, Unavailable)
