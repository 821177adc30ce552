"""Refresh tokens: each check of an exchange removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import tests

_TOKENS: Final = "platform/insula/identity/sessions/refresh_tokens.py"
_KEYS: Final = "platform/insula/identity/sessions/refresh_keys.py"
_QUERIES: Final = "platform/insula/identity/sessions/queries.py"
_SERVICE: Final = "platform/insula/identity/sessions/service.py"
_FAULT: Final = "faults/test_25_refresh_reused.py"
_RULES: Final = "identity/test_refresh_tokens.py"
_LATE: Final = tests(f"{_FAULT}::test_a_late_replay_ends_the_session_and_no_other")
_DESCENDANTS: Final = tests(f"{_FAULT}::test_a_replay_after_the_child_was_used_ends_every_descendant")
_BOUNDS: Final = tests(f"{_RULES}::TestBounds")
_DERIVED: Final = tests(f"{_RULES}::TestKeys")
_LIFETIME: Final = tests(f"{_RULES}::TestLifetime")

REFRESHING: Final = (
    Edit(
        "refresh: a replay at any time",
        _TOKENS,
        "now - self.used_at > REPLAY_WINDOW or self.unused_child is None",
        "self.unused_child is None",
        _LATE,
    ),
    Edit(
        "refresh: a replay after the child was used",
        _TOKENS,
        "now - self.used_at > REPLAY_WINDOW or self.unused_child is None",
        "now - self.used_at > REPLAY_WINDOW",
        _DESCENDANTS,
    ),
    Edit("refresh: a used child is still returned", _QUERIES, " and c.used_at is null", "", _DESCENDANTS),
    Edit("refresh: reuse ends no session", _TOKENS, "and verdict is Verdict.REUSE", "and False", _LATE),
    Edit(
        "refresh: the end of a session is rolled back",
        _SERVICE,
        "        if holder is None:\n            raise",
        "            if holder is None:\n                raise",
        _LATE,
    ),
    Edit(
        "refresh: the end of a session is rolled back, after the proof",
        _SERVICE,
        "        if opened is None:\n            raise RefreshTokenRefused\n        return opened",
        "            if opened is None:\n                raise RefreshTokenRefused\n        return opened",
        tests("identity/test_session_races.py"),
    ),
    Edit(
        "refresh: tokens are stored as they are",
        _KEYS,
        "return hashlib.sha256(_encoded(token)).digest()",
        "return _encoded(token)",
        _DERIVED,
    ),
    Edit(
        "refresh: no lock",
        _QUERIES,
        "\n    for no key update",
        "",
        tests(f"{_FAULT}::test_fifty_replays_at_once_get_one_and_the_same_token"),
    ),
    Edit(
        "refresh: no idle end",
        _TOKENS,
        "return Verdict.FIRST if now < self.expires_at else Verdict.INVALID",
        "return Verdict.FIRST",
        _LIFETIME,
    ),
    Edit(
        "refresh: no absolute end",
        _TOKENS,
        "if not self.live or now >= self.session_expires_at:",
        "if not self.live:",
        tests(f"{_RULES}::TestVerdict"),
    ),
    Edit(
        "refresh: tokens outlive their session",
        _TOKENS,
        "return min(now + self._idle, session_expires_at)",
        "return now + self._idle",
        _LIFETIME,
    ),
    Edit("refresh: ended sessions too", _TOKENS, "if not self.live or now >=", "if now >=", _LATE),
    Edit(
        "refresh: suspended users too",
        _QUERIES,
        "and u.status = 'active' and u.email_verified_at",
        "and u.email_verified_at",
        tests("identity/test_sessions.py::TestRefresh"),
    ),
    Edit(
        "refresh: users without a verified address too",
        _QUERIES,
        "u.status = 'active' and u.email_verified_at is not null as live",
        "u.status = 'active' as live",
        tests("identity/test_session_races.py"),
    ),
    Edit(
        "refresh: another client's tokens",
        _TOKENS,
        "if wanted.client_id != self.client_id:",
        "if False:",
        _BOUNDS,
    ),
    Edit(
        "refresh: any resource",
        _TOKENS,
        "if self.resource is not None and resource != self.resource:",
        "if False:",
        _BOUNDS,
    ),
    Edit(
        "refresh: any scopes",
        _TOKENS,
        "if self.scopes is not None and (scopes is None or not scopes <= self.scopes):",
        "if False:",
        _BOUNDS,
    ),
    Edit(
        "refresh: bounds are checked at the proof only",
        _TOKENS,
        "if state is None or (bounds := state.bounds.narrowed(wanted)) is None:",
        "if state is None or (bounds := state.bounds.narrowed(wanted) or wanted) is None:",
        _BOUNDS,
    ),
    Edit(
        "refresh: bounds are checked at the exchange only",
        _TOKENS,
        "Verdict.INVALID) or state.bounds.narrowed(wanted) is None:",
        "Verdict.INVALID):",
        _BOUNDS,
    ),
    Edit(
        "refresh: former keys derive nothing", _KEYS, "for key in self._keys)", "for key in self._keys[:1])", _DERIVED
    ),
    Edit("refresh: one child for every family", _KEYS, "family.bytes + _encoded(parent)", "_encoded(parent)", _DERIVED),
    Edit("refresh: one child for every parent", _KEYS, "family.bytes + _encoded(parent)", "family.bytes", _DERIVED),
    Edit(
        "refresh: children without the server's key",
        _KEYS,
        "hmac.digest(key, family",
        "hmac.digest(b'', family",
        _DERIVED,
    ),
)
