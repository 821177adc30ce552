"""Parses ``DATABASE_URL`` into one address that asyncpg, psycopg and PostgreSQL's own programs understand alike.

Each of them takes different parameters and has different defaults, variables and files. So the URL is
parsed here, ambiguous parts are refused, and each program gets the host, port, database, encryption
and certificates in full.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final, Self
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from insula.core.settings import Settings

ENGINE: Final = "postgresql+asyncpg://"
"""The URL of each engine; the address itself goes to the driver, as ``connect_args={"dsn": ...}``."""

_SCHEME: Final = re.compile(r"postgres(?:ql)?(?:\+\w+)?")
_HOST_AND_PORT: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>.*))?")
_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_BOOLEANS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("true", "1", "on", "yes"), "require"),
    **dict.fromkeys(("false", "0", "off", "no"), "disable"),
}
_PARAMETERS: Final = ("host", "port", "sslmode", "ssl", "sslrootcert", "sslcert", "sslkey", "application_name")
_FILES: Final = ("sslrootcert", "sslcert", "sslkey")
_VARIABLES: Final[Mapping[str, str]] = {
    "host": "PGHOST",
    "port": "PGPORT",
    "database": "PGDATABASE",
    "username": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "application_name": "PGAPPNAME",
}
_SYSTEM: Final = "system"
_SYSTEM_STORES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Red Hat
    "/etc/ssl/cert.pem",  # macOS
)
_PORT: Final = 5432
_LAST_PORT: Final = 65_535


class InvalidAddress(ValueError):
    """The setting holds no unambiguous address. The message names the setting."""


@dataclass(frozen=True, slots=True)
class Address:
    """A database's address: host, port and name, encryption, and login."""

    host: str
    port: int
    database: str
    username: str = ""
    password: str = ""
    sslmode: str = "prefer"
    sslrootcert: str = ""
    sslcert: str = ""
    sslkey: str = ""
    application_name: str = ""

    @classmethod
    def parse(cls, url: str, setting: str = "DATABASE_URL") -> Self:
        """Parse ``url``. Raises InvalidAddress, whose message never shows a password."""
        try:
            return cls._parse(url)
        except InvalidAddress as error:
            raise InvalidAddress(f"{setting} {error}") from None
        except ValueError:
            like = (
                "postgresql://user:password@host:5432/database, with / # @ and % in names and passwords percent-encoded"
            )
            raise InvalidAddress(f"{setting} is not a URL such as {like}") from None

    @classmethod
    def _parse(cls, url: str) -> Self:
        parts = urlsplit(url)
        if not _SCHEME.fullmatch(parts.scheme) or parts.fragment:
            raise ValueError("no URL of PostgreSQL")
        given = _parameters(parts.query)
        login, _, place = parts.netloc.rpartition("@")
        username, _, password = login.partition(":")
        host, port = _host_and_port(place, given)
        socket = host.startswith("/")
        certificates = {name: _file(name, given[name]) for name in _FILES if name in given}
        database = unquote(parts.path.removeprefix("/"))
        if not database:
            raise InvalidAddress("names no database")
        return cls(
            host=host,
            port=port,
            database=database,
            username=unquote(username),
            password=unquote(password),
            sslmode=_sslmode(given, socket=socket),
            application_name=given.get("application_name", ""),
            **certificates,
        )

    def login(self, username: str, password: str) -> Self:
        """Return this address with another login."""
        return replace(self, username=username, password=password)

    @property
    def url(self) -> str:
        """Return the URL that asyncpg, psycopg and libpq read alike."""
        host = quote(self.host, safe="")
        if ":" in self.host and not self.host.startswith("/"):
            host = f"[{quote(self.host, safe=':')}]"
        login = quote(self.username, safe="")
        if self.password:
            login = f"{login}:{quote(self.password, safe='')}"
        query = {name: getattr(self, name) for name in ("sslmode", *_FILES, "application_name") if getattr(self, name)}
        place = f"{login}@{host}:{self.port}" if login else f"{host}:{self.port}"
        return f"postgresql://{place}/{quote(self.database, safe='')}?{urlencode(query, quote_via=quote)}"

    @property
    def environment(self) -> dict[str, str]:
        """Return this address as environment variables for PostgreSQL's own programs."""
        return {
            _VARIABLES[field.name]: str(value) for field in fields(self) if (value := getattr(self, field.name)) != ""
        }

    @property
    def must_encrypt(self) -> bool:
        """Whether unencrypted connections are refused."""
        return self.sslmode in _MODES[_MODES.index("require") :]


def address_of(settings: Settings, *, direct: bool = False) -> Address:
    """Return the configured address of the database; ``direct`` bypasses a pooler.

    Raises InvalidAddress.
    """
    if direct and settings.database.direct_url:
        return Address.parse(settings.database.direct_url, "INSULA_DATABASE_DIRECT_URL")
    return Address.parse(settings.database_url)


def _parameters(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    given = dict(pairs)
    for name, _ in pairs:
        if name not in _PARAMETERS:
            known = ", ".join(_PARAMETERS)
            raise InvalidAddress(f"has the parameter {name!r}, which not every program understands; known are: {known}")
    if len(given) != len(pairs):
        raise InvalidAddress("names a parameter twice")
    return {name: value for name, value in given.items() if value}


def _host_and_port(place: str, given: Mapping[str, str]) -> tuple[str, int]:
    """Return host and port, from the URL's host part or its parameters (a socket's directory is a parameter)."""
    found = _HOST_AND_PORT.fullmatch(place)
    if found is None:
        raise ValueError("no host")
    named, port = unquote(found["host"]), found["port"] or ""
    if (named and "host" in given) or (port and "port" in given):
        raise InvalidAddress("names its host or port twice")
    host, port = named or given.get("host", ""), port or given.get("port", "")
    if "," in host or "," in port:
        raise InvalidAddress("names several hosts; name one host that always leads to the primary")
    if not host:
        raise InvalidAddress("names no host; for a Unix socket name its directory: ?host=/var/run/postgresql")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT):
        raise InvalidAddress("has a port that is not a number from 1 to 65535")
    return host.removeprefix("[").removesuffix("]"), int(port or _PORT)


def _sslmode(given: Mapping[str, str], *, socket: bool) -> str:
    """Return the mode that ``sslmode``, SQLAlchemy's ``ssl`` and the certificates together mean."""
    asked = {_BOOLEANS.get(given[name].lower(), given[name]) for name in ("ssl", "sslmode") if name in given}
    if len(asked) > 1:
        raise InvalidAddress("has ssl and sslmode, which contradict each other")
    system = given.get("sslrootcert") == _SYSTEM
    default = "verify-full" if system else "prefer"
    mode = "disable" if socket and not asked else next(iter(asked), default)
    if mode not in _MODES:
        raise InvalidAddress(f"has an sslmode that is not one of {', '.join(_MODES)}")
    if socket and mode not in ("disable", "allow", "prefer"):
        raise InvalidAddress(f"has sslmode={mode}, but a Unix socket has no encryption")
    if system and mode != "verify-full":
        raise InvalidAddress("has sslrootcert=system, which needs sslmode=verify-full")
    if mode.startswith("verify") and "sslrootcert" not in given:
        raise InvalidAddress(f"has sslmode={mode} and no sslrootcert: name the authority's file, or 'system'")
    if mode in ("disable", "allow", "prefer"):
        if any(name in given for name in _FILES):
            raise InvalidAddress(
                f"names certificates, which sslmode={mode} would not always use: set require or verify-full"
            )
        return "disable" if socket else mode
    return mode


def _file(name: str, value: str) -> str:
    if name == "sslrootcert" and value == _SYSTEM:
        value = ssl.get_default_verify_paths().cafile or next(filter(_readable, _SYSTEM_STORES), "")
        if not value:
            raise InvalidAddress("has sslrootcert=system, and this machine has no file of trusted authorities")
    if not _readable(value):
        raise InvalidAddress(f"has an {name} that is not a readable file: {value}")
    return value


def _readable(path: str) -> bool:
    try:
        with Path(path).open("rb"):
            return True
    except OSError:
        return False
