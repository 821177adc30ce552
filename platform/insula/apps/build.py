"""Builds the FastAPI apps of an installation from its manifests."""

from collections.abc import Mapping, Sequence

from fastapi import FastAPI

from insula.access import Policy
from insula.apps.installation import Installation
from insula.apps.manifest import App
from insula.callers import AppCallers
from insula.core.settings import Settings, audience
from insula.http.app_context import AppContext, set_context
from insula.http.kernel import Product
from insula.http.openapi.vocabularies import Vocabularies
from insula.http.responses.vocabulary import Vocabulary
from insula.http.routing.dispatch import install
from insula.http.routing.route_check import DOCUMENTATION, check_callers, check_routes
from insula.pages.site import Link, Site
from insula.site.error_pages import ERRORS
from insula.site.factory import make_app

_ROOT = Link("root", "", "Signing in, keys, health.")


def build(app: App, settings: Settings, site: Site, context: AppContext, vocabularies: Vocabularies) -> FastAPI:
    """Return the FastAPI app. Raises UndeclaredRoute for a route that is neither guarded nor declared public."""
    made = make_app(
        name=app.name,
        mount=app.mount,
        title=app.title,
        description=app.description,
        version=app.version,
        settings=settings,
        site=site,
        routers=app.routers(),
        tags=app.tags,
        vocabularies=vocabularies,
        scopes={str(one): one.meaning or str(one) for one in app.permissions} if context.callers.signed_in else {},
    )
    set_context(made, context)
    check_routes(made, app.name, DOCUMENTATION | app.public)
    check_callers(made, context)
    install(made)
    return made


def product_of(installation: Installation, settings: Settings) -> Product:
    """Return the parts of the declarations that requests need."""
    return Product(
        policy_of(installation),
        contexts_of(installation, settings),
        installation.new_tenants,
        installation.entitlements,
    )


def policy_of(installation: Installation) -> Policy:
    """Return the policy of the installation's roles."""
    return Policy(installation.grants, installation.published, installation.roles)


def vocabularies_of(installation: Installation, policy: Policy) -> Vocabularies:
    """Return the vocabularies that the OpenAPI documents list."""
    return {
        Vocabulary.PERMISSIONS: sorted(policy.published),
        Vocabulary.KEY_ACTIONS: sorted(policy.for_keys),
        Vocabulary.COUNTED: list(installation.entitlements.counted),
        Vocabulary.QUOTAS: [quota.key for quota in installation.entitlements.quotas],
        Vocabulary.ACTORS: list(installation.database.actor_kinds),
    }


def contexts_of(installation: Installation, settings: Settings) -> Mapping[str, AppContext]:
    """Return the context of each app for guards and sign-in, by the app's name."""
    return {
        app.name: AppContext(
            app.name,
            audience(settings, app.mount),
            app.database_role,
            AppCallers(*app.callers),
            app.title,
            frozenset(map(str, app.permissions)),
        )
        for app in installation.apps
    }


def site_of(installation: Installation, settings: Settings, tools: Sequence[Link] = ()) -> Site:
    """Return the data for the pages; ``tools`` are further links for developers."""
    apps = (_ROOT, *(Link(app.name, app.mount, app.purpose) for app in installation.apps))
    brand = installation.brand
    look = settings.brand.look.over(brand.look)
    return Site(
        look,
        brand.claim,
        brand.description,
        apps,
        installation.static,
        (ERRORS, *tools),
        origin=settings.public_url.rstrip("/"),
        documented=settings.http.docs,
        docs_client=settings.http.docs_client_id,
        license=brand.license,
        contact=brand.contact,
    )
