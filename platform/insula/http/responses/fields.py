"""What pydantic found wrong, said in ``field_errors`` without a byte of what was sent."""

from collections.abc import Iterable, Mapping, Sequence

from insula.http.responses.problems import FieldErrorFields

_MAX_ERRORS = 50
_REFUSED = "value_error"
_MAX_LENGTH = 200
_LOCATIONS = frozenset({"body", "query", "path", "header", "cookie"})
_EMAIL = "value is not a valid email address"


def field_errors(errors: Iterable[Mapping[str, object]]) -> list[FieldErrorFields]:
    """Return the first errors, each with its field, message and code."""
    found: list[FieldErrorFields] = []
    for error in errors:
        if len(found) == _MAX_ERRORS:
            break
        code = str(error["type"])
        found.append({"field": _field(error["loc"]), "message": _message(code, str(error["msg"])), "code": code})
    return found


def refused_fields(fields: Mapping[str, str]) -> list[FieldErrorFields]:
    """Return what a service found wrong with each field, as pydantic would have it."""
    return [{"field": name, "message": message[:_MAX_LENGTH], "code": _REFUSED} for name, message in fields.items()]


def _field(location: object) -> str:
    parts: Sequence[object] = location if isinstance(location, tuple | list) else ()
    if len(parts) > 1 and parts[0] in _LOCATIONS:
        parts = parts[1:]
    return ".".join(str(part) for part in parts)[:_MAX_LENGTH]


def _message(code: str, message: str) -> str:
    # These go on to quote the character that they stumbled over.
    if code.endswith("_parsing"):
        message = message.split(",", 1)[0]
    elif message.startswith(_EMAIL):
        message = _EMAIL.capitalize()
    return message.removeprefix("Value error, ")[:_MAX_LENGTH]
