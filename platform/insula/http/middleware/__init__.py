"""Pure ASGI middleware, right for HTTP and WebSocket, and the order in which it runs.

The root app alone has the outer stack: it covers the mounted apps. Each sub-app has its own Faults.

1. Edge: request id, client behind trusted proxies, timing, access log, metrics, security headers.
2. Cors: which browsers' origins may read answers, those of 3 and 4 too; only where the settings name some.
3. Faults: every error of what follows becomes a problem, so the others simply raise.
4. Gate: header, path and host sanity; bounds the body in size and time.
5. Moved: hosts of tenants' former slugs lead to those of today.
6. Head: HEAD is answered as GET, without the body.
7. Compression: gzip, except for answers with credentials in them.
8. The product's own, in the order of its installation. Behind all of the above they see no request that is refused
   there, a body that is bounded, and answers before they are compressed; what they raise becomes a problem, too.
"""

from collections.abc import Sequence

from starlette.middleware import Middleware

from insula.core.settings import Settings
from insula.db.engine.failures import translate
from insula.http.metrics import RequestMetrics
from insula.http.middleware.compression import Compression
from insula.http.middleware.cors import Cors
from insula.http.middleware.edge import Edge
from insula.http.middleware.faults import Faults
from insula.http.middleware.gate import Gate, VerifiedHost
from insula.http.middleware.head import Head
from insula.http.middleware.moved import Moved, Successor

__all__ = ["Successor", "VerifiedHost", "mounted_stack", "root_stack"]


def root_stack(
    settings: Settings,
    metrics: RequestMetrics,
    verified_host: VerifiedHost,
    successor: Successor,
    own: Sequence[Middleware] = (),
) -> list[Middleware]:
    """Return the middleware of the root app, outermost first; ``own`` is the product's."""
    origins = settings.http.cors_origins
    return [
        Middleware(Edge, settings=settings, metrics=metrics),
        *([Middleware(Cors, origins=origins)] if origins else []),
        *mounted_stack(),
        Middleware(Gate, settings=settings, verified_host=verified_host),
        Middleware(Moved, settings=settings, successor=successor),
        Middleware(Head),
        Middleware(Compression),
        *own,
    ]


def mounted_stack() -> list[Middleware]:
    """Return the middleware of a mounted app."""
    return [Middleware(Faults, translate=translate)]
