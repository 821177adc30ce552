"""The composition root: the root app with the three sub-apps mounted.

``uvicorn --factory insula.asgi:create_app`` serves it.
"""

from collections.abc import Callable, Mapping

from fastapi import FastAPI

import admin.api
import admin.app
import billing.api
import billing.app
import tenants.api
import tenants.app
from insula.app.lifespan import lifespan_of
from insula.app.mounts import MOUNTS
from insula.app.periodic import every
from insula.app.root import build_root
from insula.http.access import give_doorway
from insula.http.dispatch import install
from insula.http.kernel import Kernel
from insula.http.public import AppName
from insula.http.seal import seal
from insula.logging import configure
from insula.policy import Policy, merged
from insula.settings import Settings

KEY_USES_SECONDS = 60.0
_BUILDERS: Mapping[AppName, Callable[[Settings], FastAPI]] = {
    "tenants": tenants.app.build,
    "admin": admin.app.build,
    "billing": billing.app.build,
}


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the root app; without ``settings`` they are read from the environment.

    Raises UndeclaredRoute when a route is neither guarded nor declared public.
    """
    settings = settings or Settings()
    configure(settings.log_format, settings.log_level)
    grants = merged((tenants.api.GRANTS, admin.api.GRANTS, billing.api.GRANTS))
    policy = Policy(grants, tenants.api.ASSIGNABLE)
    lifespan = lifespan_of(settings, policy, every(KEY_USES_SECONDS, _write_key_uses))
    root = build_root(settings, lifespan, billing.app.GAUGES)
    for name, build in _BUILDERS.items():
        app = build(settings)
        give_doorway(app, name, settings)
        seal(app, name)
        install(app)
        root.mount(MOUNTS[name], app, name=name)
    seal(root, "root")
    install(root)
    return root


async def _write_key_uses(kernel: Kernel) -> None:
    await kernel.key_uses.flush()
