"""The stack that templates use, as a fair comparison.

Middleware as ``BaseHTTPMiddleware``, a token decoded and its user read for each request, Casbin with one grouping
policy for each member, slowapi on Redis, ``set_config`` in each transaction, a SQLModel session by a ``yield``
dependency. Nothing here is slower than in real templates. The engine and the enforcer are made once, roles are shared
by all tenants (with copies per tenant Casbin takes milliseconds), tokens are HS256, and the policy is in memory.
"""

from benchmarks.contestants.template.app import create_app

__all__ = ["create_app"]
