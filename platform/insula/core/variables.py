"""Environment variables as settings: which variables are ours, and their names."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic_settings import EnvSettingsSource

PREFIX: Final = "INSULA_"
# Kubernetes sets variables for each service in every container: INSULA_HTTP_SERVICE_HOST=10.0.0.7 for a service
# called insula-http, INSULA_MAIL_PORT=tcp://10.0.0.8:25 for insula-mail.
_SERVICE: Final = re.compile(
    r"insula_(?:\w+_)?(?:service_host|service_port(?:_\w+)?|port_\d+_(?:tcp|udp|sctp)(?:_(?:proto|port|addr))?)"
)
_SERVICE_PORT: Final = re.compile(r"insula_(?:\w+_)?port")
_SERVICE_URL: Final = re.compile(r"(?:tcp|udp|sctp)://.*")


class OwnVariables(EnvSettingsSource):
    """Reads the environment, but not Kubernetes' variables for services whose names start like our settings."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name: value for name, value in super()._load_env_vars().items() if not _is_of_a_service(name, value)}


def variable_of(location: Sequence[str | int]) -> str:
    """Return the environment variable of the setting at ``location``, which is a pydantic error's location."""
    name = "_".join(str(part) for part in location).upper()
    return name if name in ("DATABASE_URL", "REDIS_URL") or not name else f"{PREFIX}{name}"


def _is_of_a_service(name: str, value: str | None) -> bool:
    if _SERVICE.fullmatch(name.lower()):
        return True
    return bool(_SERVICE_PORT.fullmatch(name.lower()) and _SERVICE_URL.fullmatch(value or ""))
