"""PostgreSQL and Valkey from wheels, as children of this process: no package manager, no daemon, no container."""

from insula.embedded.cluster import Cluster
from insula.embedded.failure import EmbeddedError

__all__ = ["Cluster", "EmbeddedError"]
