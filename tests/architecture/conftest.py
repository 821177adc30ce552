"""Fixtures that several architecture tests share."""

from collections.abc import Iterator

import pytest
from pydantic import AliasChoices, BaseModel

from tests.support.apps import INSTALLATION


@pytest.fixture(scope="session")
def setting_names() -> frozenset[str]:
    """Return the environment variable of each setting, the apps' included."""
    return frozenset(_names(INSTALLATION.settings_type, "INSULA_"))


def _names(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _names(field.annotation, f"{prefix}{name.upper()}_")
        elif isinstance(field.validation_alias, AliasChoices):
            yield str(field.validation_alias.choices[0])
        else:
            yield f"{prefix}{name.upper()}"
