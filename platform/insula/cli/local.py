"""The settings of a local installation, with its own servers and secrets unless others are set."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from insula.cli.environment import changed, dump, load
from insula.cli.failing import CommandFailed
from insula.core.settings import Settings, local_secrets
from insula.dev.embedded import Cluster, LocalSecrets, Lock, declared_secrets, locate, prepare
from insula.dev.seed import DOCS_CLIENT

_RUNNING: Final = "running.json"
LOCAL_URL: Final = "http://localhost:8000"
_LOOPBACK: Final = ("localhost", "127.0.0.1")
_FRONTEND_PORTS: Final = (3000, 4200, 4321, 5173, 5174, 8080)
"""Those on which Next.js, Angular, Astro, Vite and webpack serve a frontend in development."""


@contextmanager
def installation(settings: Settings, public_url: str) -> Iterator[tuple[Settings, Cluster | None]]:
    """Start the local servers unless external ones are set; yield the complete settings while they run."""
    with ExitStack() as stack:
        cluster = None
        if settings.database_url and settings.redis_url:
            home = prepare(settings.data_dir)
            stack.enter_context(Lock(home).held())
            secrets = LocalSecrets.load_or_create(home)
        else:
            cluster = stack.enter_context(_started(settings.data_dir))
            home, secrets = cluster.home, cluster.secrets
        complete = _complete(settings, secrets, cluster, public_url)
        marked = local_secrets(settings)
        declared = declared_secrets(home, marked.values())
        complete = changed(complete, {path: SecretStr(declared[mark.name]) for path, mark in marked.items()})
        stack.enter_context(_announced(home / _RUNNING, complete))
        yield complete, cluster


@contextmanager
def with_database(settings: Settings, *, create: bool = False) -> Iterator[Settings]:
    """Yield settings with a database: an external one, the running installation's, or one started for the command.

    With ``create``, create a missing database; otherwise raise CommandFailed.
    """
    if settings.database_url:
        yield settings
        return
    if found := running(settings):
        yield found
        return
    home = prepare(settings.data_dir)
    if not create and not (home / "postgres").exists():
        raise CommandFailed(
            f"there is no installation in {settings.data_dir} yet: `make run` creates one;"
            " or set DATABASE_URL to use a database elsewhere"
        )
    with installation(settings, LOCAL_URL) as (complete, _):
        yield complete


def running(settings: Settings) -> Settings | None:
    """Return the settings of this folder's running installation, or None if nothing runs."""
    home = locate(settings.data_dir)
    if Lock(home).is_held():
        with suppress(FileNotFoundError):  # it is starting or stopping
            return load((home / _RUNNING).read_text(), type(settings))
    return None


@contextmanager
def _started(data_dir: Path) -> Iterator[Cluster]:
    cluster = Cluster(data_dir)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


def _complete(settings: Settings, secrets: LocalSecrets, cluster: Cluster | None, public_url: str) -> Settings:
    complete = changed(
        settings,
        {
            "environment": "local",
            "log_format": "console",
            "public_url": public_url,
            "database_url": cluster.database_url if cluster else "",
            "redis_url": cluster.redis_url if cluster else "",
            "database.roles_secret": SecretStr(secrets.roles_secret),
            "auth.key_encryption_key": SecretStr(secrets.key_encryption_key),
            "http.docs_client_id": str(DOCS_CLIENT),
            "http.cors_origins": tuple(f"http://{name}:{port}" for name in _LOOPBACK for port in _FRONTEND_PORTS),
        },
    )
    hosts = tuple(dict.fromkeys((*complete.http.allowed_hosts, *_LOOPBACK, "[::1]")))
    return complete.model_copy(update={"http": complete.http.model_copy(update={"allowed_hosts": hosts})})


@contextmanager
def _announced(path: Path, settings: Settings) -> Iterator[None]:
    """Store the settings for the other commands of this checkout while the servers run."""
    path.unlink(missing_ok=True)
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(dump(settings))
    partial.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
