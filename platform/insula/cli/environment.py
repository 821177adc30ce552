"""Settings as environment variables: for child processes, and for ``.env.example``."""

import json
import textwrap
from collections.abc import Iterator, Mapping

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from insula.core.settings import Settings

_UNPREFIXED = {"database_url": "DATABASE_URL", "redis_url": "REDIS_URL"}
_WIDTH = 118
_EXAMPLE = """\
# Every setting with its default. To change some, copy this file to .env and remove the # before their names.
# Every command of `insula` reads .env in the current folder; variables of the environment take precedence.

"""


def to_environment(settings: Settings) -> dict[str, str]:
    """Return the variables from which a child process reads the same ``settings``."""
    return {name: _text(value) for name, value, _ in _walk(settings)}


def example(kind: type[Settings]) -> str:
    """Return ``.env.example``: every setting with its default and description."""
    blocks = []
    for name, value, field in _walk(kind.model_construct()):
        comment = [f"# {line}" for line in textwrap.wrap(field.description or "", _WIDTH)]
        blocks.append("\n".join([*comment, f"#{name}={_text(value)}"]))
    return _EXAMPLE + "\n".join(blocks) + "\n"


def changed(settings: Settings, wanted: Mapping[str, object]) -> Settings:
    """Return ``settings`` with the ``wanted`` values for unset fields; keys in groups are ``group.field``."""
    update: dict[str, object] = {}
    for path, value in wanted.items():
        group_name, _, field = path.rpartition(".")
        if not group_name:
            if field not in settings.model_fields_set:
                update[field] = value
            continue
        group = update.get(group_name, getattr(settings, group_name))
        if isinstance(group, BaseModel) and field not in group.model_fields_set:
            update[group_name] = group.model_copy(update={field: value})
    return settings.model_copy(update=update)


def dump(settings: Settings) -> str:
    """Return the settings as text for `load`."""
    return json.dumps({name: _plain(getattr(settings, name)) for name in type(settings).model_fields})


def load(text: str, kind: type[Settings]) -> Settings:
    """Return the settings from the text of `dump`, limited to the fields of ``kind``; ignores the environment."""
    dumped = json.loads(text)
    return kind.model_validate({name: dumped[name] for name in kind.model_fields})


def _walk(settings: Settings) -> Iterator[tuple[str, object, FieldInfo]]:
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            for inner, inner_field in type(value).model_fields.items():
                yield f"INSULA_{name}_{inner}".upper(), getattr(value, inner), inner_field
        else:
            yield _UNPREFIXED.get(name, f"INSULA_{name}".upper()), value, field


def _plain(value: object) -> str | dict[str, str]:
    if isinstance(value, BaseModel):
        return {name: _text(getattr(value, name)) for name in type(value).model_fields}
    return _text(value)


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return str(value)
