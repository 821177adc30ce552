"""The servers of one run: PostgreSQL as durable as in production, Valkey, and one database with two copies."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from pydantic import SecretStr

from benchmarks.copies import by_hand, plain
from benchmarks.dataset import Dataset, populate
from benchmarks.proc import family
from insula.apps import load
from insula.core.settings import AuthSettings, DatabaseSettings, MailSettings, Settings
from insula.db.engine.roles import role_url
from insula.db.migrate.run import migrate
from insula.db.schema.provision import hand_over
from insula.dev.embedded import Cluster
from tenants.database import TENANTS

HOST: Final = "bench.example"
_PRODUCT: Final = "insula"
TEMPLATE_ROLE: Final = "bench_template"
_TEMPLATE_TABLES: Final = ("project", "project_item")
_OWN_ROWS: Final = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
_DROP_TENANCY: Final = """
    DO $$ DECLARE named record; BEGIN
        FOR named IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity LOOP
            EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', named.relname);
            EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', named.relname);
        END LOOP;
        FOR named IN SELECT conname FROM pg_constraint
            WHERE conrelid = 'project_item'::regclass AND contype IN ('f', 'p') ORDER BY contype
        LOOP
            EXECUTE format('ALTER TABLE project_item DROP CONSTRAINT %I', named.conname);
        END LOOP;
        FOR named IN SELECT indexrelid::regclass::text AS relname FROM pg_index
            WHERE indrelid = 'project_item'::regclass
        LOOP
            EXECUTE format('DROP INDEX %s', named.relname);
        END LOOP;
    END $$;
    ALTER TABLE project ADD UNIQUE (id);
    ALTER TABLE membership ADD UNIQUE (id);
    ALTER TABLE project_item ADD PRIMARY KEY (id),
        ADD FOREIGN KEY (tenant_id) REFERENCES tenant (id),
        ADD FOREIGN KEY (project_id) REFERENCES project (id),
        ADD FOREIGN KEY (assignee_id) REFERENCES membership (id);
    CREATE INDEX ON project_item (project_id, created_at, id);
    CREATE INDEX ON project_item (project_id, title, id);
    CREATE INDEX ON project_item (project_id, position, id);
    CREATE INDEX ON project_item (assignee_id);
"""


@dataclass(frozen=True)
class Testbed:
    """The running servers, and the data in them."""

    directory: Path
    settings: Settings
    twin_settings: Settings
    template_url: str
    dataset: Dataset
    postmaster: int

    @property
    def twin_url(self) -> str:
        """The URL of the database without policies, as the role of the tenants app."""
        return role_url(self.twin_settings, TENANTS)


@contextmanager
def start_testbed() -> Iterator[Testbed]:
    """Start new servers with the data of a run, in a temporary directory."""
    directory = Path(tempfile.mkdtemp(prefix="insula-bench-"))
    directory.chmod(0o711)
    cluster = Cluster(directory / "data")
    try:
        cluster.start()
        yield _set_up(directory, cluster)
    finally:
        cluster.stop()
        shutil.rmtree(directory)


def _set_up(directory: Path, cluster: Cluster) -> Testbed:
    settings = _settings(directory, cluster, _PRODUCT)
    migrate(settings, load().database)
    dataset = asyncio.run(populate(settings))
    asyncio.run(_copy(cluster, "twin", _DROP_TENANCY + by_hand(TENANTS) + plain(TENANTS)))
    secret = cluster.secrets.superuser_password
    asyncio.run(_copy(cluster, "template", _template_rights(secret)))
    template = urlsplit(with_path(cluster.database_url, "template"))
    login = template._replace(netloc=f"{TEMPLATE_ROLE}:{secret}@{template.hostname}:{template.port}")
    postmaster = int((cluster.home / "postgres" / "postmaster.pid").read_text().split()[0])
    if len(family(postmaster)) == 1:
        raise RuntimeError(f"process {postmaster} is no postmaster")
    twin = _settings(directory, cluster, "twin")
    return Testbed(directory, settings, twin, urlunsplit(login), dataset, postmaster)


def _settings(directory: Path, cluster: Cluster, database: str) -> Settings:
    """Return the production settings; all others are defaults."""
    return Settings(
        environment="production",
        public_url=f"https://{HOST}",
        base_domain=HOST,
        database_url=with_path(cluster.database_url, database),
        redis_url=cluster.redis_url,
        data_dir=directory,
        database=DatabaseSettings(roles_secret=SecretStr(cluster.secrets.roles_secret)),
        auth=AuthSettings(key_encryption_key=SecretStr(cluster.secrets.key_encryption_key)),
        mail=MailSettings(host="localhost"),
    )


async def _copy(cluster: Cluster, name: str, statements: str) -> None:
    maintenance = await asyncpg.connect(with_path(cluster.database_url, "postgres"))
    try:
        await maintenance.execute(f"CREATE DATABASE {name} TEMPLATE {_PRODUCT}")
    finally:
        await maintenance.close()
    copy = await asyncpg.connect(with_path(cluster.database_url, name))
    try:
        await hand_over(copy, load().database.roles)
        await copy.execute(statements)
        await copy.execute("ANALYZE")
    finally:
        await copy.close()


def _template_rights(password: str) -> str:
    policies = "".join(
        f"CREATE POLICY of_template ON {table} TO {TEMPLATE_ROLE} USING ({_OWN_ROWS});" for table in _TEMPLATE_TABLES
    )
    return f"""
        CREATE ROLE {TEMPLATE_ROLE} LOGIN NOBYPASSRLS PASSWORD '{password}';
        GRANT CONNECT ON DATABASE template TO {TEMPLATE_ROLE};
        GRANT USAGE ON SCHEMA public TO {TEMPLATE_ROLE};
        GRANT SELECT ON "user", membership, {", ".join(_TEMPLATE_TABLES)} TO {TEMPLATE_ROLE};
        {policies}
        CREATE POLICY of_template ON membership TO {TEMPLATE_ROLE} USING (true);
    """


def with_path(url: str, path: str) -> str:
    """Return ``url`` with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))
