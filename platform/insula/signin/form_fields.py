"""Reads the fields of an HTML form."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from insula.core.errors import BadRequest, PayloadTooLarge

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 8
_LARGEST: Final = 8_192


async def read_fields(request: Request) -> Mapping[str, str]:
    """Return the form's fields. Raises BadRequest and PayloadTooLarge."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise BadRequest(f"The form must be sent as {_FORM}")
    body = await request.body()
    if len(body) > _LARGEST:
        raise PayloadTooLarge
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise BadRequest("The form is not valid percent-encoded UTF-8, or has too many fields") from error
    if any("\0" in text for pair in pairs for text in pair):
        raise BadRequest("A text of the form contains a NUL character")
    return dict(pairs)
