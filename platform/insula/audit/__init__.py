"""The audit log: what was done, by whom, to what, in the transaction that did it.

Inside a route a service calls ``record(scope, Act.CREATED, ...)``; elsewhere ``record_in(unit, ...)``. Both only note
the act: the unit's commit writes what was noted, last of all.
"""

from insula.audit.actors import NOWHERE, PLATFORM, SYSTEM, Actor, Audited, Origin
from insula.audit.images import image
from insula.audit.journal import AuditAction, record, record_in

__all__ = [
    "NOWHERE",
    "PLATFORM",
    "SYSTEM",
    "Actor",
    "AuditAction",
    "Audited",
    "Origin",
    "image",
    "record",
    "record_in",
]
