"""The audit log: who did what to which object, recorded in the transaction that did it.

Inside a route a service calls ``record(scope, Act.CREATED, ...)``; elsewhere ``record_in(unit, ...)``. Both only
collect the event: the unit writes its events last, right before its commit.
"""

from insula.audit.actors import NO_ORIGIN, PLATFORM, SYSTEM, Actor, Audited, Origin
from insula.audit.recorder import AuditAction, record, record_in
from insula.audit.snapshots import snapshot

__all__ = [
    "NO_ORIGIN",
    "PLATFORM",
    "SYSTEM",
    "Actor",
    "AuditAction",
    "Audited",
    "Origin",
    "record",
    "record_in",
    "snapshot",
]
