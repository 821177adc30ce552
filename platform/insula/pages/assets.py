"""Serves the pages' static files: the kernel's, the resources', and those made from the product's look."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from insula.core.look import Look

STATIC: Final = Path(__file__).parent / "static"
LOOK: Final = "insula"
"""The folder under ``/static`` that also holds the style and the logo of the product."""

_VERSIONED: Final = ("swagger-ui-", "redoc-")
_DEFAULT_LOGO: Final = STATIC / "insula" / "mark.svg"


class Assets(StaticFiles):
    """Serves files from folders and the look's. Browsers cache them, forever if the folder's name has a version."""

    def __init__(self, look: Look, folders: Mapping[str, Path] = MappingProxyType({})) -> None:
        super().__init__(directory=STATIC)
        self._folders = {name: StaticFiles(directory=path) for name, path in folders.items()}
        self._style = style_of(look)
        self._logo = look.logo or _DEFAULT_LOGO

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Find a file in the folder that the path begins with; the path is normalized."""
        name, _, rest = path.partition(os.sep)
        if path == f"{LOOK}{os.sep}{logo_name(self._logo)}":
            return str(self._logo), self._logo.stat()
        folder = self._folders.get(name)
        return super().lookup_path(path) if folder is None else folder.lookup_path(rest)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file with its caching rule; the ETag is Starlette's."""
        if path == f"{LOOK}{os.sep}look.css" and scope["method"] == "GET":
            response = Response(self._style, media_type="text/css")
        else:
            response = await super().get_response(path, scope)
        fixed = path.startswith(_VERSIONED) and path.partition(os.sep)[0] not in self._folders
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if fixed else "public, max-age=300"
        return response


def logo_name(logo: Path | None) -> str:
    """Return the logo's file name under ``/static/insula``."""
    return f"logo{(logo or _DEFAULT_LOGO).suffix.lower()}"


def style_of(look: Look) -> str:
    """Return the style sheet with the look's colours, as the variables of ``insula.css``."""
    colours = look.colours
    return (
        f":root{{--accent:{colours.light};--on-accent:{colours.on_light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{--accent:{colours.dark};--on-accent:{colours.on_dark}}}}}\n"
    )
