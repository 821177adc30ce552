"""What a thing was like before and after: only what changed, nothing secret, nothing endless."""

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

Image = Mapping[str, object]


def image(row: BaseModel) -> dict[str, object]:
    """Return the fields of ``row`` that say something; the event itself says which row, when and whose."""
    return row.model_dump(exclude=set(_BOOKKEEPING))


def told(before: Image | None, after: Image | None) -> tuple[dict[str, JsonValue] | None, dict[str, JsonValue] | None]:
    """Return the images as they are kept: of two the fields that differ, of one all; None for nothing."""
    if before is None or after is None:
        return _kept(before), _kept(after)
    changed = {name for name in (*before, *after) if before.get(name) != after.get(name)}
    return (
        _kept({name: value for name, value in before.items() if name in changed}),
        _kept({name: value for name, value in after.items() if name in changed}),
    )


def _kept(image: Image | None) -> dict[str, JsonValue] | None:
    if not image:
        return None
    return {name: _clean(name, to_jsonable_python(value, bytes_mode="hex")) for name, value in image.items()}


def _clean(name: str, value: JsonValue) -> JsonValue:
    """Leave out what is secret, by its field's name at any depth, and the rest of a long text."""
    if value is not None and _SECRET.search(name):
        return REDACTED
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}… ({len(value)} characters)"
    if isinstance(value, list):
        return [_clean("", part) for part in value]
    if isinstance(value, dict):
        return {inner: _clean(inner, part) for inner, part in value.items()}
    return value
