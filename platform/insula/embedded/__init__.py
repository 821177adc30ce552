"""PostgreSQL and Valkey from wheels, as children of this process: no package manager, no daemon, no container."""

from insula.embedded.cluster import Cluster
from insula.embedded.failure import EmbeddedError
from insula.embedded.guard import die_with
from insula.embedded.home import Lock, prepare
from insula.embedded.process import guarded
from insula.embedded.secrets import LocalSecrets, declared_secrets
from insula.embedded.software import Software

__all__ = [
    "Cluster",
    "EmbeddedError",
    "LocalSecrets",
    "Lock",
    "Software",
    "declared_secrets",
    "die_with",
    "guarded",
    "prepare",
]
