"""The composition root: the root app with the installation's apps mounted.

``uvicorn --factory insula.asgi:create_app`` serves it.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI

from insula.apps import Installation
from insula.apps.build import build, product_of, site_of, vocabularies_of
from insula.apps.settings import read
from insula.core.logging import configure
from insula.core.settings import Settings
from insula.http.kernel import Kernel
from insula.http.metrics import RequestMetrics
from insula.http.routing.dispatch import install
from insula.http.routing.route_check import check_routes
from insula.pages.site import Link
from insula.site.lifespan import every, lifespan_of
from insula.site.root import PUBLIC, build_root

KEY_USES_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Additions:
    """Further parts of the root app, such as those of a developer's machine.

    ``public_pages`` are the routes of ``pages`` that need no credentials, ``tools`` the pages that developers find in
    the navigation, ``static`` folders under ``/static``, and ``docs_scripts`` paths of scripts for the docs pages.
    """

    pages: Sequence[APIRouter] = ()
    public_pages: AbstractSet[str] = frozenset()
    tools: Sequence[Link] = ()
    static: Mapping[str, Path] = field(default_factory=dict)
    docs_scripts: Sequence[str] = ()


NOTHING: Final = Additions()


def create_app(
    settings: Settings | None = None,
    installation: Installation | None = None,
    more: Additions = NOTHING,
) -> FastAPI:
    """Return the root app, with ``more``.

    Without arguments, reads the settings from the environment and loads the installation.

    Raises UndeclaredRoute if a route is neither guarded nor declared public, or its guard admits no caller of its
    app; and NoInstallation.
    """
    settings, installation = read(settings, installation)
    configure(settings.log_format, settings.log_level)
    product, site = product_of(installation, settings), site_of(installation, settings, more.tools)
    site = replace(site, static={**site.static, **more.static}, docs_scripts=more.docs_scripts)
    metrics = RequestMetrics()
    lifespan = lifespan_of(settings, product, installation.database, metrics, every(KEY_USES_SECONDS, _write_key_uses))
    vocabularies = vocabularies_of(installation, product.policy)
    resources = installation.resources
    root = build_root(
        settings,
        lifespan,
        site,
        metrics,
        refusals=tuple(dict.fromkeys(error for app in product.apps.values() for error in app.callers.errors)),
        gauges=tuple(chain.from_iterable(resource.gauges for resource in resources)),
        pages=(*chain.from_iterable(resource.pages for resource in resources), *more.pages),
        middleware=installation.middleware,
    )
    for app in installation.apps:
        root.mount(app.mount, build(app, settings, site, product.apps[app.name], vocabularies), name=app.name)
    check_routes(root, "root", PUBLIC.union(more.public_pages, *(resource.public_pages for resource in resources)))
    install(root)
    return root


async def _write_key_uses(kernel: Kernel) -> None:
    await kernel.key_uses.flush()
