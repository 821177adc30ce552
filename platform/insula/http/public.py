"""The declared list of routes that need no credentials. A route that is neither here nor guarded does not build."""

from collections.abc import Mapping
from typing import Literal

AppName = Literal["root", "tenants", "admin", "billing"]

_DOCUMENTATION = frozenset({"GET /docs", "GET /redoc", "GET /openapi.json"})

PUBLIC: Mapping[AppName, frozenset[str]] = {
    "root": _DOCUMENTATION
    | {
        "GET /",  # the page that shows the apps
        "GET /healthz",  # load balancers have no credentials
        "GET /readyz",
        "GET /metrics",  # guarded by its own token, or loopback only
        "GET /account/verify",  # where links in mails lead
        "GET /account/reset",
        "GET /invitations/accept",
        "GET /mailbox",  # what a local installation keeps instead of sending; elsewhere 404
        "GET /mailbox/{name}",
        "GET /mailbox/{name}/html",
        "GET /.well-known/jwks.json",  # public keys, by definition
        "POST /auth/login",  # where credentials come from
        "POST /auth/refresh",
        "POST /auth/logout",
        "POST /auth/register",  # whoever registers has no account yet
        "POST /auth/verify",  # authenticated by the link's secret
        "POST /auth/verify/resend",  # who is not verified cannot sign in
        "POST /auth/password/reset",  # who forgot the password cannot either
        "POST /auth/password/reset/confirm",  # authenticated by the link's secret
        "MOUNT /static",  # the docs pages' own assets
    },
    "tenants": _DOCUMENTATION,
    "admin": _DOCUMENTATION,
    "billing": _DOCUMENTATION | {"POST /v1/webhooks/stripe"},  # authenticated by its signature
}
