"""Limits on the emails that callers cause: to one mailbox, by one person, by one tenant.

Every email that a caller causes is counted, on every route, and is not sent if a limit refuses it. A count is never
given back: a revoked invitation was an email too. Each kind is counted separately for each mailbox, so requests for
one kind cannot use up another; the sum over all kinds bounds what strangers can send to a mailbox.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple
from uuid import UUID

from insula.limits.limiter import Limits
from insula.limits.rates.verdict import Verdict

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


class Rate(NamedTuple):
    """A limit within a window of seconds."""

    limit: int
    window: int


class Count(NamedTuple):
    """One limit that an email counts against, and its key."""

    key: str
    rate: Rate


class MailKind(NamedTuple):
    """A kind of email that a caller can cause, and its limit for one mailbox. Apps add their own kinds."""

    name: str
    to_mailbox: Rate


REGISTRATION: Final = MailKind("registration", Rate(5, HOUR))
VERIFICATION: Final = MailKind("verification", Rate(5, HOUR))
RESET: Final = MailKind("reset", Rate(5, HOUR // 2))
"""A link lives for an hour. When this limit is used up, the newest link is valid for at least half an hour more, so
the owner has a valid link even if a stranger used up the limit."""

BY_PERSON: Final = (Rate(30, MINUTE), Rate(200, DAY))


def to_mailbox(kind: MailKind, address: str) -> Count:
    """Return the count of one kind of email to an address, over all callers."""
    return Count(f"mail:{kind.name}:to:{address}", kind.to_mailbox)


def by_person(person_id: UUID) -> Iterable[Count]:
    """Return the counts of all emails that a signed-in person causes, in all their tenants."""
    return (Count(f"mail:by:{person_id}:{rate.window}", rate) for rate in BY_PERSON)


async def refusal(limits: Limits, counts: Iterable[Count]) -> Verdict | None:
    """Count an email in each of ``counts``; return the verdict of the first that refuses it, or None."""
    for key, (limit, window) in counts:
        verdict = await limits.admit_exactly(key, limit, window)
        if not verdict.allowed:
            return verdict
    return None
