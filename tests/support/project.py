"""The project's packages and apps, from its own files: a product adds folders and apps."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from insula.asgi import create_app
from insula.core.settings import Settings
from tests.probe.installation import PRODUCT

ROOT: Final = Path(__file__).parents[2]
_WHEEL: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
PACKAGES: Final[tuple[str, ...]] = tuple(_WHEEL["only-include"])
"""The folders of Python packages that are shipped."""
SHIPPED: Final = frozenset({Path(path).parts[0] for path in PACKAGES})
"""The folders at the root that contain shipped packages."""

EXAMPLE: Final = (
    "tenants/projects/",
    "tenants/items/",
    "tests/tenants/projects/",
    "tests/tenants/items/",
    "tests/example/",
)
"""The folders of the example and of its tests: a product can leave them out."""


@cache
def root_app() -> FastAPI:
    """Build the product's root app without servers."""
    return create_app(
        Settings(environment="test", installation=PRODUCT, database_url="postgresql://x/x", redis_url="redis://x")
    )
