"""PostgreSQL and Valkey from wheels, as child processes: no package manager, daemon or container."""

from insula.dev.embedded.cluster import Cluster
from insula.dev.embedded.failure import EmbeddedError, with_cure
from insula.dev.embedded.guard import die_with
from insula.dev.embedded.home import Lock, delete_data, locate, prepare
from insula.dev.embedded.process import guarded
from insula.dev.embedded.secrets import LocalSecrets, declared_secrets
from insula.dev.embedded.software import Software

__all__ = [
    "Cluster",
    "EmbeddedError",
    "LocalSecrets",
    "Lock",
    "Software",
    "declared_secrets",
    "delete_data",
    "die_with",
    "guarded",
    "locate",
    "prepare",
    "with_cure",
]
