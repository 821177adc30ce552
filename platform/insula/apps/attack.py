"""Data that the generated attacks on a resource cannot derive from its routes and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

Row = Mapping[str, object]
_NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})
_NO_ROWS: Final[Mapping[str, Sequence[Row]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackHints:
    """Data for the generated attacks; requests never read it.

    - ``ids``: the table that a parameter or field refers to, if it is not named ``{table}_id``:
      ``{"item_id": "project_item"}``.
    - ``actions``: the permission of a route, if it is not named ``noun:verb``, or ``noun:act`` for
      ``POST /nouns/{id}/act``: ``{"POST /v1/projects/{project_id}/items/bulk": "item:create"}``.
    - ``rows``: for each table, the values with which the legitimate caller succeeds; two rows if they are listed.
      ``{token}`` in a text becomes a word unique to the tenant. Other columns are made up.
    """

    ids: Mapping[str, str] = field(default_factory=lambda: _NO_NAMES)
    actions: Mapping[str, str] = field(default_factory=lambda: _NO_NAMES)
    rows: Mapping[str, Sequence[Row]] = field(default_factory=lambda: _NO_ROWS)
