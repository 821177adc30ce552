"""What `insula run` prints once it serves: addresses, the demo users and a first request."""

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.markup import escape

from insula.apps import Installation
from insula.core.settings import Settings
from insula.dev.seed import PASSWORD

_WELCOME: Final = """
[bold]{name} serves at {url}[/bold]   (Ctrl-C stops everything)

{addresses}

Log in with the password [bold]{password}[/bold]:

  owner@acme.example    (also admin@ member@ viewer@)   acme, on the pro plan
  owner@globex.example  (also admin@ member@ viewer@)   globex, on the free plan
  both@insula.example                                   a member of both
  staff@insula.example                                  a superuser of the staff
"""
_FIRST_REQUEST: Final = """
  TOKEN=$({command} token --email owner@acme.example --app {app} --tenant acme)
  curl -H "Authorization: Bearer $TOKEN" {url}{path}
"""


def show_welcome(product: Installation, settings: Settings, command: str) -> None:
    """Print the text. ``command`` is how a user calls this program here."""
    url = settings.public_url.rstrip("/")
    text = _WELCOME.format(
        name=escape(settings.brand.look.over(product.brand.look).name),
        url=escape(url),
        addresses=escape("\n".join(_addresses(product, settings, url))),
        password=PASSWORD,
    )
    shown = next((app for app in product.apps if app.first_request), None)
    if shown is not None:
        path = shown.mount + shown.first_request
        text += escape(_FIRST_REQUEST.format(command=command, app=shown.name, url=url, path=path))
    Console(highlight=False, soft_wrap=True).print(text)


def _addresses(product: Installation, settings: Settings, url: str) -> Iterator[str]:
    """Yield a line for each app's docs and for the mailbox, with aligned addresses."""
    mounts = {**{app.name: app.mount for app in product.apps}, "root": ""}
    name_width = max(map(len, (*mounts, "mails")))
    width = len(url) + max(map(len, mounts.values())) + len("/mailbox")
    for name, mount in mounts.items():
        yield f"  {name:<{name_width}}   {f'{url}{mount}/docs':<{width}}   {url}{mount}/redoc"
    if not settings.mail.host:
        yield f"  {'mails':<{name_width}}   {f'{url}/mailbox':<{width}}   (kept here: none is sent)"
