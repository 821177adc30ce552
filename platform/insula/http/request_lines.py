"""The access log of a developer's terminal: one aligned line for each request."""

import logging
from http import HTTPStatus
from typing import Final
from uuid import UUID

from starlette.types import Scope

from insula.callers.identity import TenantCaller
from insula.core.terminal import Style, Terminal, printable
from insula.http.state import RequestState

_METHOD: Final = 7  # OPTIONS
_REST: Final = len(" 200 12345 ms  ") + 16
_SHORTEST_PATH: Final = 20
_SLOW_MILLISECONDS: Final = 500
_MOST_SLUGS: Final = 1000
_STYLES: Final[tuple[Style, ...]] = ("dim", "cyan", "green", "cyan", "yellow", "red")  # by the status's first digit


class RequestLines:
    """Writes ``GET     /api/v1/projects     200     7 ms  acme``.

    At levels above INFO it leaves out probes, assets and preflights, unless they fail; at INFO it adds request ids.
    """

    def __init__(self, level: str) -> None:
        self._terminal = Terminal()
        self._all = logging.getLevelNamesMapping()[level] <= logging.INFO
        self._slugs: dict[UUID, str] = {}

    def write(self, scope: Scope, state: RequestState, route: str, status: int, seconds: float) -> None:
        """Write the line of one request to ``route``."""
        method: str = scope.get("method", "SOCKET")
        if not self._all and status < HTTPStatus.BAD_REQUEST and (method == "OPTIONS" or _is_noise(route)):
            return
        terminal = self._terminal
        path = _fitted(printable(_path(scope)), max(_SHORTEST_PATH, terminal.columns - _METHOD - 1 - _REST))
        milliseconds = f"{seconds * 1000:>5.0f} ms"
        line = f"{method:<{_METHOD}} {path} {terminal.styled(str(status), _style(status))} "
        line += terminal.styled(milliseconds, "yellow" if seconds * 1000 >= _SLOW_MILLISECONDS else "dim")
        rest = [self._tenant(state), terminal.styled(state.request_id, "dim") if self._all else ""]
        terminal.write("  ".join([line, *filter(None, rest)]))

    def _tenant(self, state: RequestState) -> str:
        """Return the tenant's slug: its last known one for a request that was refused before its caller was known."""
        tenant_id = state.subject.tenant_id if state.subject is not None else None
        if tenant_id is None:
            return ""
        caller = state.admission.caller if state.admission is not None else None
        if isinstance(caller, TenantCaller):
            if len(self._slugs) >= _MOST_SLUGS:
                self._slugs.clear()
            self._slugs[tenant_id] = caller.tenant.slug
        return self._slugs.get(tenant_id) or str(tenant_id)


def _is_noise(route: str) -> bool:
    return route in {"/healthz", "/readyz", "/metrics", "/insula-dev/users"} or route.endswith("/...")


def _path(scope: Scope) -> str:
    """Return the path as it was sent, without the query, which may hold a secret."""
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw is not None else str(scope["path"])


def _fitted(path: str, columns: int) -> str:
    """Return the path with this width: padded, or with its middle left out, since its end says most."""
    if len(path) <= columns:
        return path.ljust(columns)
    kept = columns - 1
    return f"{path[: kept // 3]}…{path[len(path) - (kept - kept // 3) :]}"


def _style(status: int) -> Style:
    return _STYLES[status // 100] if status < 600 else "dim"  # noqa: PLR2004  close codes of WebSockets are above
