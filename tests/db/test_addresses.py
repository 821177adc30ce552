"""All components interpret DATABASE_URL the same way, and an ambiguous URL is refused in one line."""

from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from insula.audit.verify import reader
from insula.cli.commands.backup import save
from insula.cli.failing import CommandFailed
from insula.core.settings import Settings
from insula.db.engine.address import Address, InvalidAddress, address_of
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE
from insula.db.migrate.run import migrate
from insula.tenancy.listener import Listener
from insula.worker.connector import QueueConnection
from insula.worker.queue import connector
from tests.support.apps import DECLARED
from tests.support.cluster import with_path
from tests.support.fronts import Authority, Front, authority, front

COMPONENTS = ("the pools", "the listener", "the queue", "migrations", "the audit's reader")
_PATIENCE = 0.5  # seconds: the listener retries without end, so the test gives up
SECRET = "canary-of-a-password"


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls") / "trusted", IPv4Address("127.0.0.1"))


@pytest.fixture(scope="module")
def encrypted(settings: Settings, trusted: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with front(settings, tmp_path_factory.mktemp("front"), trusted.server) as opened:
        yield opened


def at(settings: Settings, opened: Front, query: str) -> Settings:
    """Return ``settings`` that connect to the database through ``opened``, with ``query`` in the URL."""
    here = Address.parse(settings.database_url)
    place = f"{opened.host}:{opened.port}" if not opened.host.startswith("/") else ""
    url = f"postgresql://{here.username}:{here.password}@{place}/{here.database}?{query}"
    database = settings.database.model_copy(update={"direct_url": ""})
    return settings.model_copy(update={"database_url": url, "database": database})


async def connected_names(settings: Settings) -> dict[str, str]:
    """Return the components that reach the database, each with its connection's ``application_name``."""
    return {
        part: name
        for part, probe in zip(COMPONENTS, (_pools, _listener, _queue, _migrations, _reader), strict=True)
        if (name := await probe(settings)) is not None
    }


async def _pools(settings: Settings) -> str | None:
    database = await Database.open(settings, [GATE])
    try:
        async with database.engine(GATE).connect() as connection:
            return str((await connection.execute(text("SHOW application_name"))).scalar_one())
    except (SQLAlchemyError, OSError):
        return None
    finally:
        await database.close()


async def _listener(settings: Settings) -> str | None:
    listener = Listener(settings)
    await listener.start(_PATIENCE)
    alive = listener.alive
    await listener.stop()
    return "insula-listener" if alive else None


async def _queue(settings: Settings) -> str | None:
    pool = connector(settings)._pool_args  # noqa: SLF001  a pool would retry for half a minute
    try:
        async with await QueueConnection.connect(pool["conninfo"], **pool["kwargs"]) as connection:
            found = await (await connection.execute("SELECT current_setting('application_name')")).fetchone()
    except psycopg.OperationalError:
        return None
    return str(found[0]) if found else None


async def _migrations(settings: Settings) -> str | None:
    try:
        migrate(settings, DECLARED)
    except Exception:  # noqa: BLE001  likewise
        return None
    return ""


async def _reader(settings: Settings) -> str | None:
    try:
        async with reader(settings) as connection:
            return str((await connection.execute(text("SHOW application_name"))).scalar_one())
    except Exception:  # noqa: BLE001  likewise
        return None


@pytest.mark.parametrize("query", ["sslmode=verify-full&sslrootcert={0}", "ssl=verify-ca&sslrootcert={0}", "ssl=true"])
async def test_every_component_encrypts_and_sends_the_application_name(
    settings: Settings, encrypted: Front, trusted: Authority, query: str
) -> None:
    before = encrypted.encrypted
    here = at(settings, encrypted, query.format(trusted.certificate) + "&application_name=shop%20one")

    found = await connected_names(here)

    assert tuple(found) == COMPONENTS
    assert {found[part] for part in ("the pools", "the queue", "the audit's reader")} == {"shop one"}
    assert encrypted.encrypted >= before + len(COMPONENTS)
    assert encrypted.in_clear == 0


async def test_no_component_connects_to_a_server_with_an_untrusted_certificate(
    settings: Settings, encrypted: Front, tmp_path: Path
) -> None:
    stranger = authority(tmp_path / "stranger", IPv4Address("127.0.0.1"))
    for mode in ("require", "verify-full"):
        assert (
            await connected_names(at(settings, encrypted, f"sslmode={mode}&sslrootcert={stranger.certificate}")) == {}
        )


async def test_verify_full_requires_the_certificates_host(settings: Settings, tmp_path: Path) -> None:
    other = authority(tmp_path / "other", "db.example")
    with front(settings, tmp_path, other.server) as opened:
        by_mode = {
            mode: await connected_names(at(settings, opened, f"sslmode={mode}&sslrootcert={other.certificate}"))
            for mode in ("verify-ca", "verify-full")
        }

    assert {mode: tuple(found) for mode, found in by_mode.items()} == {"verify-ca": COMPONENTS, "verify-full": ()}


async def test_every_component_connects_through_a_unix_socket(settings: Settings, tmp_path: Path) -> None:
    with front(settings, tmp_path) as opened:
        here = at(settings, opened, f"host={opened.host}&port={opened.port}")
        found = await connected_names(here)
        save(here, tmp_path / "backup")

    assert tuple(found) == COMPONENTS
    assert (tmp_path / "backup").stat().st_size > 0


async def test_a_backup_is_encrypted_or_refused(
    settings: Settings, encrypted: Front, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandFailed, match=r"^DATABASE_URL requires encryption, which needs PostgreSQL's own pg_dump"):
        save(at(settings, encrypted, "sslmode=require"), tmp_path / "backup")

    assert encrypted.in_clear == 0
    save(settings, tmp_path / "backup")
    assert (tmp_path / "backup").exists()


@pytest.mark.parametrize(
    ("url", "host", "port", "sslmode"),
    [
        ("postgresql://u:p@db.example/shop", "db.example", 5432, "prefer"),
        ("postgres://u:p@db.example:6432/shop", "db.example", 6432, "prefer"),
        ("postgresql+psycopg://u:p@db.example/shop?sslmode=", "db.example", 5432, "prefer"),
        ("postgresql://u:p@[2001:db8::1]:5433/shop?sslmode=disable", "2001:db8::1", 5433, "disable"),
        ("postgresql://u:p@[2001:db8::1]/shop?ssl=require&sslmode=require", "2001:db8::1", 5432, "require"),
        ("postgresql://u:p@%2Fvar%2Frun%2Fpostgresql/shop", "/var/run/postgresql", 5432, "disable"),
        ("postgresql://u:p@/shop?host=/var/run/postgresql&port=5433", "/var/run/postgresql", 5433, "disable"),
        ("postgresql://u:p@db.example/shop?ssl=off", "db.example", 5432, "disable"),
    ],
)
def test_a_database_url_is_parsed(url: str, host: str, port: int, sslmode: str) -> None:
    address = Address.parse(url)

    assert (address.host, address.port, address.sslmode, address.database) == (host, port, sslmode, "shop")
    assert Address.parse(address.url) == address
    assert conninfo_to_dict(address.url) == {
        "user": "u", "password": "p", "host": host, "port": str(port), "dbname": "shop", "sslmode": sslmode
    }  # fmt: skip
    assert address.environment == {
        "PGUSER": "u", "PGPASSWORD": "p", "PGHOST": host, "PGPORT": str(port), "PGDATABASE": "shop",
        "PGSSLMODE": sslmode,
    }  # fmt: skip


async def test_names_and_passwords_may_hold_any_character(settings: Settings) -> None:
    odd = "a/b:c@d?e#f%g&h=i+j k'é"
    address = Address.parse(settings.database_url).login(odd, odd)

    assert (address.username, address.password) == (odd, odd)
    assert Address.parse(address.url) == address
    assert conninfo_to_dict(address.url)["password"] == odd


def test_the_systems_certificate_authorities_are_a_readable_file() -> None:
    address = Address.parse("postgresql://u:p@db.example/shop?sslrootcert=system")

    assert address.sslmode == "verify-full"
    assert Path(address.sslrootcert).is_file()


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("@one:5432,two:5432/shop", "several hosts"),
        ("@one,two/shop", "several hosts"),
        ("@/shop?host=one,two", "several hosts"),
        ("@/shop", "no host"),
        ("@db.example", "no database"),
        ("@db.example/", "no database"),
        ("@db.example:port/shop", "port"),
        ("@db.example:0/shop", "port"),
        ("@db.example:99999/shop", "port"),
        ("@db.example/shop?host=other", "twice"),
        ("@db.example/shop?sslmode=require&sslmode=disable", "twice"),
        ("@db.example/shop?sslmode=require&ssl=false", "contradict each other"),
        ("@db.example/shop?sslmode=always", "sslmode"),
        ("@db.example/shop?sslmode=verify-full", "sslrootcert"),
        ("@db.example/shop?sslmode=verify-full&sslrootcert=/nowhere.pem", "sslrootcert that is not a readable file"),
        ("@db.example/shop?sslmode=require&sslrootcert=system", "verify-full"),
        ("@db.example/shop?sslmode=prefer&sslrootcert=/etc/passwd", "certificates"),
        ("@/shop?host=/var/run/postgresql&sslmode=require", "socket"),
        ("@db.example/shop?channel_binding=require", "channel_binding"),
        ("@db.example/shop?connect_timeout=3", "connect_timeout"),
        ("@db.example/shop?sslmode", "not a URL"),
        ("@db.example/shop#1", "not a URL"),
        ("@[::1/shop", "not a URL"),
    ],
)
def test_an_ambiguous_address_is_refused_in_one_line(rest: str, message: str, settings: Settings) -> None:
    wrong = f"postgresql://u:{SECRET}{rest}"
    database = settings.database.model_copy(update={"direct_url": wrong})
    for name, given, direct in (
        ("DATABASE_URL", settings.model_copy(update={"database_url": wrong}), False),
        ("INSULA_DATABASE_DIRECT_URL", settings.model_copy(update={"database": database}), True),
    ):
        with pytest.raises(InvalidAddress) as refused:
            address_of(given, direct=direct)
        line = str(refused.value)
        assert line.startswith(f"{name} ")
        assert message in line
        assert SECRET not in line
        assert "\n" not in line


def test_a_url_of_another_scheme_is_refused(settings: Settings) -> None:
    for wrong in ("mysql://u:p@db.example/shop", "db.example", "postgresql:shop", with_path("http://x/y", "z")):
        with pytest.raises(InvalidAddress):
            address_of(settings.model_copy(update={"database_url": wrong}))
