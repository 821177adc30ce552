"""Parameters: headers in their usual case, no null where a parameter can be left out, and each described once."""

from collections import Counter
from typing import Final

from insula.http.openapi.walk import Document, operations, pascal, reference

_NULL: Final = {"type": "null"}
_SENT: Final = frozenset({"query", "header", "cookie"})


def tidy_parameters(document: Document) -> None:
    """Give headers their usual case, and remove null and repeated descriptions."""
    for _, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "header":
                parameter["name"] = "-".join(part[:1].upper() + part[1:] for part in parameter["name"].split("-"))
            schema = parameter.get("schema", {})
            if parameter["in"] in _SENT:
                _remove_null(schema)  # a query cannot contain null: the parameter is left out
            if schema.get("description") == parameter.get("description"):
                schema.pop("description", None)


def _remove_null(schema: Document) -> None:
    choices = schema.get("anyOf", [])
    if _NULL in choices:
        rest = [choice for choice in choices if choice != _NULL]
        del schema["anyOf"]
        schema.update(rest[0] if len(rest) == 1 else {"anyOf": rest})
        if "default" in schema and schema["default"] is None:
            del schema["default"]


def share_parameters(document: Document) -> None:
    """Replace the parameters that several operations have by references."""
    found = [
        (operation["parameters"], position)
        for _, operation in operations(document)
        for position in range(len(operation.get("parameters", ())))
    ]
    counts = Counter(repr(parameters[position]) for parameters, position in found)
    shared: dict[str, Document] = document["components"].setdefault("parameters", {})
    for parameters, position in found:
        parameter = parameters[position]
        if counts[repr(parameter)] > 1:
            name = pascal(parameter["name"])
            if shared.setdefault(name, parameter) == parameter:
                parameters[position] = reference("parameters", name)
