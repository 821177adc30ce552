"""The stack as templates write it: the honest opponent.

Middleware as ``BaseHTTPMiddleware``, a token decoded and its user read for each request, Casbin with one
grouping policy for each member, slowapi on Redis, ``set_config`` in each transaction, a SQLModel
session by a ``yield`` dependency. Written with care: nothing here is slower than it is where one finds it. The
engine and the enforcer are made once, roles are shared by all tenants (copied per tenant
Casbin takes milliseconds), tokens are HS256, and the policy is in memory.
"""

from benchmarks.contestants.template.app import create_app

__all__ = ["create_app"]
