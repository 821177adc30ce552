"""How many mails callers can cause: to one mailbox, by one person, by one tenant.

Every mail that a caller causes is counted, whatever route it came by, and not sent if a count refuses it. Nothing gives
a count back: a revoked invitation was a mail too. Each kind has a count of its own for each mailbox, so
that nobody can use up the mails of one kind by asking for another; all kinds together are the bound on
what strangers can send to a mailbox.
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
    """So many within a window of seconds."""

    limit: int
    window: int


class Count(NamedTuple):
    """One count that a mail must pass."""

    key: str
    rate: Rate


class Mail(NamedTuple):
    """A kind of mail that a caller can cause, and how many of it one mailbox takes. An app adds kinds of its own."""

    name: str
    to_mailbox: Rate


REGISTRATION: Final = Mail("registration", Rate(5, HOUR))
VERIFICATION: Final = Mail("verification", Rate(5, HOUR))
RESET: Final = Mail("reset", Rate(5, HOUR // 2))
"""A link lives for an hour. Where the count of half an hour is used up, the newest links are good for at least half an
hour more, so a mailbox whose mails a stranger used up holds a link for its owner."""

BY_PERSON: Final = (Rate(30, MINUTE), Rate(200, DAY))


def to_mailbox(kind: Mail, address: str) -> Count:
    """Return the count of one kind of mail to an address, over all callers."""
    return Count(f"mail:{kind.name}:to:{address}", kind.to_mailbox)


def by_person(person_id: UUID) -> Iterable[Count]:
    """Return the counts of all mails that a signed-in person causes, in all their tenants."""
    return (Count(f"mail:by:{person_id}:{rate.window}", rate) for rate in BY_PERSON)


async def refusal(limits: Limits, counts: Iterable[Count]) -> Verdict | None:
    """Count a mail in each of ``counts``; return the verdict of the first that refuses it, or None."""
    for key, (limit, window) in counts:
        verdict = await limits.admit_exactly(key, limit, window)
        if not verdict.allowed:
            return verdict
    return None
