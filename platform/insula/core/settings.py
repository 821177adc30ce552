"""Every setting, read once in the composition root from the environment and passed down.

``DATABASE_URL`` and ``REDIS_URL`` carry no prefix; all others start with ``INSULA_``. A group's
settings carry its name: ``INSULA_DATABASE_POOL_TIMEOUT`` is ``settings.database.pool_timeout``. An app
declares a group of its own, which is named after the app and looked up by type: ``settings.of(BillingSettings)``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from insula.core.brand_settings import BrandSettings
from insula.core.settings_group import SettingsGroup
from insula.core.text.domains import ascii_domain
from insula.core.variables import PREFIX, OwnVariables

_ROLES_SECRET_LENGTH = 32
_METRICS_TOKEN_LENGTH = 16
_KEY_LENGTH = 43  # 32 bytes as unpadded base64
_DNS_PORT = 53
_LAST_PORT = 65_535

ERROR_PAGES: Final = "/errors/"
"""The path of the pages that explain errors, with which the ``type`` of every problem begins."""

Environment = Literal["local", "test", "production"]
Names = Annotated[tuple[str, ...], NoDecode]


def _dns_spelling(host: str) -> str:
    """Return a host, with or without a port, as clients send it: with non-ASCII labels in punycode (A-labels)."""
    if host.isascii():
        return host
    name, colon, port = host.partition(":")
    return f"{ascii_domain(name)}{colon}{port}"


@dataclass(frozen=True, slots=True)
class LocalSecret:
    """Marks a secret that a local installation generates once for itself: ``Annotated[SecretStr, LocalSecret(...)]``.

    ``name`` is its name among the secrets of the data directory.
    """

    name: str
    prefix: str = ""


EXAMPLE_ORIGIN: Final = "https://app.example.com"
"""The public URL in the examples of the OpenAPI documents, which are the same for every deployment."""


class UndeclaredSettings(LookupError):
    """Code asked for settings that no app of the installation declares."""


AnyGroup = TypeVar("AnyGroup", bound=SettingsGroup)


class DatabaseSettings(SettingsGroup):
    """Database connections. All pools together stay within this process's budget."""

    direct_url: str = Field("", description="For LISTEN, bypassing a transaction pooler; default: DATABASE_URL.")
    roles_secret: SecretStr = Field(
        SecretStr(""), description="Each role's password is derived from this secret and its name."
    )
    budget: int = Field(20, ge=8, le=500, description="Connections of one process, over all its pools.")
    pool_timeout: float = Field(2.0, gt=0, description="Seconds to wait for a free connection before a 503.")
    statement_timeout: float = Field(5.0, gt=0, description="Seconds that one statement of a request may take.")
    worker_statement_timeout: float = Field(15.0, gt=0, description="Seconds that one statement of a job may take.")
    lean_reads: bool = Field(default=True, description="Reads outside a transaction take one round trip, not three.")
    lean_writes: bool = Field(default=True, description="Writes of single rows bypass SQLAlchemy's session.")
    pooler: bool = Field(default=False, description="True behind a transaction pooler: prepared statements are off.")


class AuthSettings(SettingsGroup):
    """Tokens and passwords."""

    key_encryption_key: SecretStr = Field(
        SecretStr(""),
        description="Encrypts the signing keys in the database, and derives refresh tokens: 32 bytes as URL-safe "
        "base64; during a rotation also the previous key, after a comma.",
    )
    access_token_seconds: int = Field(600, ge=30, le=3600)
    refresh_token_days: int = Field(30, ge=1, le=365, description="Days from a sign-in to the end of its session.")
    refresh_idle_days: int = Field(14, ge=1, le=365, description="Days without a refresh that end a session earlier.")
    browser_session_hours: int = Field(
        24, ge=1, le=720, description="Hours after which a user signs in again on the sign-in pages."
    )
    browser_idle_minutes: int = Field(
        60, ge=1, le=43_200, description="Minutes without a request after which a browser's session ends."
    )
    leeway_seconds: int = Field(5, ge=0, le=60, description="Seconds of clock skew allowed for a token's times.")


class HttpSettings(SettingsGroup):
    """Limits on connections and requests, and the proxies whose headers are trusted."""

    body_limit: int = Field(1_048_576, ge=1024, description="Most bytes of a request body, whatever its route allows.")
    body_timeout: float = Field(30.0, gt=0, description="Seconds in which a request body must arrive.")
    head_timeout: float = Field(10.0, gt=0, description="Seconds in which a request's head must arrive.")
    read_on_timeout: float = Field(
        60.0,
        gt=0,
        description="Seconds that a client may go without reading its response; "
        "after it has read a part, up to four times as many.",
    )
    read_on_rate: float = Field(256.0, gt=0, description="Bytes per second that a client must read of its response.")
    max_connections: int = Field(
        1000, ge=1, description="Open connections of one process; beyond it idle ones are closed."
    )
    max_connections_per_address: int = Field(
        500, ge=1, description="Open connections of one IPv4 address or IPv6 /64; trusted proxies are exempt."
    )
    keep_alive_timeout: int = Field(
        75, ge=1, description="Seconds that a connection stays open between requests; longer than the proxy's."
    )
    trusted_proxies: Names = Field((), description="Addresses or networks whose forwarding headers are trusted.")
    forwarding_headers: Literal["x-forwarded", "forwarded"] = Field(
        "x-forwarded",
        description="Headers that the proxies set: X-Forwarded-For, -Proto and -Host, or RFC 7239's Forwarded.",
    )
    allowed_hosts: Names = Field((), description="Host names served besides the base domain's.")
    cors_origins: Names = Field((), description="Origins that browsers may call from; never '*'.")
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Bearer token for /metrics; empty: off, except from loopback in a local environment."
    )
    telemetry: bool = Field(
        default=False,
        description="Whether FastAPI records spans, metrics and logs of requests with the process's OpenTelemetry "
        "providers; looking for a provider costs each request 5 µs.",
    )
    drain_seconds: float = Field(10.0, ge=0, description="Seconds that open requests have to finish at shutdown.")
    docs: bool = Field(default=True, description="Serve the docs pages and the OpenAPI documents to everybody.")
    docs_client_id: str = Field(
        "",
        pattern="^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$",
        description="The platform's public OAuth client by which Authorize on the docs pages signs in; its redirect "
        "URI is /docs/oauth2-redirect at INSULA_PUBLIC_URL. Empty: they offer no OAuth.",
    )

    @field_validator("allowed_hosts")
    @classmethod
    def _as_the_dns_spells_them(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_dns_spelling(host) for host in hosts)

    @model_validator(mode="before")
    @classmethod
    def _split_names(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        names = ("trusted_proxies", "allowed_hosts", "cors_origins")
        split = {
            name: tuple(part.strip() for part in values[name].split(",") if part.strip())
            for name in names
            if isinstance(values.get(name), str)
        }
        return {**values, **split}

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            try:
                ip_network(name, strict=False)
            except ValueError:
                raise ValueError(f"{name!r} is not an address or network such as 10.0.0.0/8") from None
        return names


class JobsSettings(SettingsGroup):
    """Background jobs. A lost worker is detected by its missing heartbeat."""

    concurrency: int = Field(8, ge=1, le=100, description="Jobs that one worker runs at the same time.")
    max_attempts: int = Field(8, ge=1, le=100, description="Runs of a job before it counts as failed.")
    retry_seconds: float = Field(2.0, gt=0, description="Seconds before the second run; doubled for each later run.")
    retry_limit_seconds: float = Field(3600.0, gt=0, description="Most seconds between two runs.")
    poll_seconds: float = Field(1.0, gt=0, description="Seconds without a notification before polling for jobs.")
    heartbeat_seconds: float = Field(5.0, gt=0, description="Seconds between a worker's heartbeats.")
    stalled_seconds: float = Field(20.0, gt=0, description="Seconds without heartbeat before its jobs run elsewhere.")
    drain_seconds: float = Field(20.0, ge=0, description="Seconds that running jobs have to finish at shutdown.")
    keep_done_days: int = Field(1, ge=1, le=365, description="Days for which finished jobs are kept.")
    keep_failed_days: int = Field(30, ge=1, le=365, description="Days in which failed jobs can be run again.")


class MailSettings(SettingsGroup):
    """Outgoing emails."""

    host: str = Field("", description="The SMTP server; empty: emails are kept and shown on /mailbox, local only.")
    port: int = Field(587, ge=1, le=65535)
    username: str = ""
    password: SecretStr = SecretStr("")
    starttls: bool = Field(default=True, description="Require an encrypted connection, by STARTTLS.")
    implicit_tls: bool = Field(
        default=False, description="Encrypted from the first byte, in place of STARTTLS; port 465 always is."
    )
    timeout: float = Field(20.0, gt=0, description="Seconds in which the SMTP server must accept an email.")
    sender: str = Field("Insula <no-reply@localhost>", description="The sender of emails.")


class DnsSettings(SettingsGroup):
    """Name servers for the verification of tenants' domains."""

    servers: Names = Field(
        (), description="Name servers that verify domains, as address or address:port; empty: the machine's."
    )

    @field_validator("servers", mode="before")
    @classmethod
    def _split_servers(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("servers")
    @classmethod
    def _are_addresses(cls, servers: tuple[str, ...]) -> tuple[str, ...]:
        for server in servers:
            _endpoint(server)
        return servers

    @property
    def endpoints(self) -> tuple[tuple[str, int], ...]:
        """The address and port of each server."""
        return tuple(_endpoint(server) for server in self.servers)


def _endpoint(server: str) -> tuple[str, int]:
    host, port = server, _DNS_PORT
    if server.startswith("[") or server.count(":") == 1:  # else a bare IPv6 address
        host, _, number = server.rpartition(":")
        host, port = host.removeprefix("[").removesuffix("]"), int(number)
    if not 0 < port <= _LAST_PORT:
        raise ValueError(f"{port} is not a port")
    return str(ip_address(host)), port


class Settings(BaseSettings):
    """The whole configuration, immutable."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        populate_by_name=True,
    )

    environment: Environment = Field("production", description="local under `make run`, test under pytest.")
    database_url: str = Field("", validation_alias=AliasChoices("DATABASE_URL", "database_url"))
    redis_url: str = Field("", validation_alias=AliasChoices("REDIS_URL", "redis_url"))
    installation: str = Field(
        "", description="The product to serve, as module:name; default: the one that is installed."
    )
    data_dir: Path = Field(Path(".insula"), description="Where the embedded servers keep their data.")
    public_url: str = Field("http://127.0.0.1:8000", description="The origin of links and of tokens' audiences.")
    base_domain: str = Field("localhost", description="Tenants are served at {slug}.{base domain}.")
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    database: DatabaseSettings = DatabaseSettings()
    auth: AuthSettings = AuthSettings()
    http: HttpSettings = HttpSettings()
    jobs: JobsSettings = JobsSettings()
    mail: MailSettings = MailSettings()
    brand: BrandSettings = BrandSettings()
    dns: DnsSettings = DnsSettings()

    @field_validator("base_domain")
    @classmethod
    def _as_the_dns_spells_it(cls, domain: str) -> str:
        return _dns_spelling(domain)

    @field_validator("public_url")
    @classmethod
    def _as_browsers_send_it(cls, url: str) -> str:
        parts = urlsplit(url)
        return urlunsplit(parts._replace(netloc=_dns_spelling(parts.netloc)))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  replaced by ours
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Replace pydantic's source of environment variables with our own."""
        return init_settings, OwnVariables(settings_cls), dotenv_settings, file_secret_settings

    @field_validator("redis_url")
    @classmethod
    def _redis_url_has_a_scheme(cls, url: str) -> str:
        if url and urlsplit(url).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("must be a URL such as redis://host:6379/0, rediss://host:6379/0 or unix:///path")
        return url

    @model_validator(mode="after")
    def _public_url_is_an_origin(self) -> Self:
        parts = urlsplit(self.public_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError("INSULA_PUBLIC_URL is wrong: must be an origin such as https://app.example.com")
        return self

    def of(self, group: type[AnyGroup]) -> AnyGroup:
        """Return the group of that type, which an app declares. Raises UndeclaredSettings."""
        for found in self._groups():
            if isinstance(found, group):
                return found
        raise UndeclaredSettings(f"no app declares {group.__name__}: name it in the app's App(settings=...)")

    def unsafe(self) -> list[str]:
        """Return the reasons, one line each, why the settings must not serve in production; empty if there are none."""
        found = [line for group in self._groups() for line in group.unsafe()]
        if not self.database_url:
            found.append("DATABASE_URL is not set")
        if not self.redis_url:
            found.append("REDIS_URL is not set")
        if len(self.database.roles_secret.get_secret_value()) < _ROLES_SECRET_LENGTH:
            found.append("INSULA_DATABASE_ROLES_SECRET must hold at least 32 characters")
        if len(self.auth.key_encryption_key.get_secret_value()) < _KEY_LENGTH:
            found.append("INSULA_AUTH_KEY_ENCRYPTION_KEY must be 32 random bytes as URL-safe base64")
        if self.environment == "production" and not self.public_url.startswith("https://"):
            found.append("INSULA_PUBLIC_URL must start with https:// in production")
        if self.environment == "production" and not self.mail.host:
            found.append("INSULA_MAIL_HOST is not set")
        if any(ip_network(network, strict=False).prefixlen == 0 for network in self.http.trusted_proxies):
            found.append("INSULA_HTTP_TRUSTED_PROXIES must not include every address: any caller could forge its own")
        if 0 < len(self.http.metrics_token.get_secret_value()) < _METRICS_TOKEN_LENGTH:
            found.append(f"INSULA_HTTP_METRICS_TOKEN must hold at least {_METRICS_TOKEN_LENGTH} characters, or none")
        if "*" in self.http.cors_origins:
            found.append("INSULA_HTTP_CORS_ORIGINS must not hold '*': requests carry credentials")
        return found

    def _groups(self) -> list[SettingsGroup]:
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value for value in values if isinstance(value, SettingsGroup)]


def local_secrets(settings: Settings) -> Mapping[str, LocalSecret]:
    """Return the marked secrets in the groups of ``settings``, as ``group.field``."""
    return {
        f"{name}.{field}": mark
        for name in type(settings).model_fields
        if isinstance(group := getattr(settings, name), SettingsGroup)
        for field, info in type(group).model_fields.items()
        for mark in info.metadata
        if isinstance(mark, LocalSecret)
    }


@cache
def with_groups(groups: tuple[tuple[str, type[SettingsGroup]], ...]) -> type[Settings]:
    """Return a settings class that also has these groups, each under its name."""
    fields: dict[str, Any] = {name: (group, group()) for name, group in groups}  # pydantic's own type for them
    return create_model("Settings", __base__=Settings, __module__=__name__, **fields)


def error_pages(settings: Settings) -> str:
    """Return the URL with which the ``type`` of every problem begins; the error's code ends it."""
    return settings.public_url.rstrip("/") + ERROR_PAGES


def audience(settings: Settings, mount: str) -> str:
    """Return the audience (RFC 8707 resource) of access tokens for the app that is mounted at ``mount``."""
    return settings.public_url.rstrip("/") + mount
