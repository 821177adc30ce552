"""Streams, sockets and uploads: each condition that must end them, and each limit, removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import tests

_ROUTING: Final = "platform/insula/http/routing"
_OPEN: Final = "platform/insula/http/open_connections.py"
_CHECK: Final = tests("http/test_open_connections.py")
_HANDLERS: Final = tests("http/test_long_lived.py")
_WIRE: Final = tests("http/test_long_lived_on_the_wire.py")

LONG_LIVED: Final = (
    Edit(
        "long-lived: they outlive their token",
        _OPEN,
        "if self.terms.ends_at_expiry and clock.timestamp() >= self.expires_at:",
        "if False:",
        _CHECK,
    ),
    Edit(
        "long-lived: they outlive their access",
        _OPEN,
        "        except AppError as error:\n            return error\n        except Exception",
        "        except AppError:\n            return None\n        except Exception",
        _CHECK,
    ),
    Edit(
        "long-lived: no change wakes them",
        _OPEN,
        "        for connection in self._by_subject.get(subject, ()):\n            connection.wake()",
        "        pass",
        _CHECK,
    ),
    Edit(
        "long-lived: they outlive the order to stop",
        _OPEN,
        "            if self._open.is_stopping and self.terms.ends_at_drain:",
        "            if False:",
        _CHECK,
    ),
    Edit(
        "long-lived: as many as a tenant opens",
        f"{_ROUTING}/long_lived.py",
        "admission.allowance.connections",
        "10**6",
        _WIRE,
    ),
    Edit(
        "sockets: messages of any size",
        f"{_ROUTING}/sockets.py",
        "if size > self._largest:",
        "if False:",
        _WIRE,
    ),
    Edit(
        "sockets: messages count against no limit",
        f"{_ROUTING}/sockets.py",
        "if not verdict.allowed:",
        "if False:",
        _WIRE,
    ),
    Edit(
        "sockets: of a kind that says nothing of their end",
        f"{_ROUTING}/route_check.py",
        "if not isinstance(route, SocketRoute):",
        "if False:",
        _HANDLERS,
    ),
    Edit(
        "uploads: a body that was read is read again",
        "platform/insula/http/kinds.py",
        "attempts=1,\n    body_bytes=16 * MIB",
        "attempts=3,\n    body_bytes=16 * MIB",
        _HANDLERS,
    ),
    Edit(
        "uploads: with a key that nobody compares",
        f"{_ROUTING}/uploads.py",
        'if b"idempotency-key" in headers:',
        "if False:",
        _WIRE,
    ),
)
