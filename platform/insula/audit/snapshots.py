"""Snapshots of a row before and after an act: only changed fields, without secrets, with long texts cut."""

import re
from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, JsonValue
from pydantic_core import to_jsonable_python

REDACTED: Final = "[redacted]"
_LONGEST_TEXT: Final = 1000
_SECRET: Final = re.compile(
    r"password|passwd|passphrase|secret|token|hash|digest|credential|private|sealed|seed|otp|cookie|authorization"
    r"|signature|api_?key$",
    re.IGNORECASE,
)
_BOOKKEEPING: Final = frozenset({"tenant_id", "id", "created_at", "updated_at", "version"})

Snapshot = Mapping[str, object]


def snapshot(row: BaseModel) -> dict[str, object]:
    """Return the fields of ``row`` without id, tenant, times and version, which the event itself covers."""
    return row.model_dump(exclude=set(_BOOKKEEPING))


def differences(
    before: Snapshot | None, after: Snapshot | None
) -> tuple[dict[str, JsonValue] | None, dict[str, JsonValue] | None]:
    """Return the values to store: the fields that differ between two snapshots, or all fields of one; None if none."""
    if before is None or after is None:
        return _kept(before), _kept(after)
    changed = {name for name in (*before, *after) if before.get(name) != after.get(name)}
    return (
        _kept({name: value for name, value in before.items() if name in changed}),
        _kept({name: value for name, value in after.items() if name in changed}),
    )


def _kept(snapshot: Snapshot | None) -> dict[str, JsonValue] | None:
    if not snapshot:
        return None
    return {name: _clean(name, to_jsonable_python(value, bytes_mode="hex")) for name, value in snapshot.items()}


def _clean(name: str, value: JsonValue) -> JsonValue:
    """Redact secrets, by field name at any depth, and cut long texts."""
    if value is not None and _SECRET.search(name):
        return REDACTED
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}… ({len(value)} characters)"
    if isinstance(value, list):
        return [_clean("", part) for part in value]
    if isinstance(value, dict):
        return {inner: _clean(inner, part) for inner, part in value.items()}
    return value
