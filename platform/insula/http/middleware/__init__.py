"""Pure ASGI middleware for HTTP and WebSocket, and its order.

Only the root app has middleware, which also serves the mounted apps.

1. Edge: request id, client address behind trusted proxies, timing, access log, metrics, security headers.
2. Cors: origins whose pages may read answers, including errors of 3 and 4; only if the settings name origins.
3. UnhandledErrors: turns every error of the layers below into a problem, so they simply raise.
4. RequestChecks: checks headers, path and host; limits the body in size and time.
5. Moved: redirects hosts of tenants' former slugs to their current ones.
6. Head: answers HEAD as GET, without the body.
7. Compression: gzip, except for answers that contain credentials.
8. The product's own middleware, in the order of its installation. It gets no request that a layer above refused,
   a limited body, and uncompressed answers; UnhandledErrors turns its errors into problems too.
9. Mounts: calls the mounted app of the path's first segment.
"""

from collections.abc import Sequence

from starlette.middleware import Middleware

from insula.core.settings import Settings
from insula.db.engine.failures import translate
from insula.http.metrics import RequestMetrics
from insula.http.middleware.compression import Compression
from insula.http.middleware.cors import Cors
from insula.http.middleware.edge import Edge
from insula.http.middleware.head import Head
from insula.http.middleware.mounts import Mounts
from insula.http.middleware.moved import Moved, Successor
from insula.http.middleware.request_checks import RequestChecks, VerifiedHost
from insula.http.middleware.unhandled_errors import UnhandledErrors

__all__ = ["Successor", "VerifiedHost", "root_stack"]


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
        Middleware(UnhandledErrors, translate=translate),
        Middleware(RequestChecks, settings=settings, verified_host=verified_host),
        Middleware(Moved, settings=settings, successor=successor),
        Middleware(Head),
        Middleware(Compression),
        *own,
        Middleware(Mounts),
    ]
