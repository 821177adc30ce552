"""What the attacks on a resource cannot derive from its routes and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

Row = Mapping[str, object]
_NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})
_NO_ROWS: Final[Mapping[str, Sequence[Row]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackHints:
    """Data for the generated attacks; nothing that serves requests reads it.

    - ``ids``: the table whose id a parameter or field means, where it does not bear the table's name as
      ``{table}_id``: ``{"item_id": "project_item"}``.
    - ``actions``: the permission of a route that is called otherwise than ``noun:verb``, or ``noun:act`` for
      ``POST /nouns/{id}/act``: ``{"POST /v1/projects/{project_id}/items/bulk": "item:create"}``.
    - ``rows``: for each table, what its rows must hold so that the rightful caller succeeds with them, two rows where
      they are listed. ``{token}`` in a text is a word of that tenant's alone. The rest of a row is made up.
    """

    ids: Mapping[str, str] = field(default_factory=lambda: _NO_NAMES)
    actions: Mapping[str, str] = field(default_factory=lambda: _NO_NAMES)
    rows: Mapping[str, Sequence[Row]] = field(default_factory=lambda: _NO_ROWS)
