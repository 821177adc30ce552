"""Email templates: declared values that name files, which are stored next to the code that sends them.

``<name>.txt.jinja2`` begins with a line for the subject and an empty line; ``<name>.html.jinja2`` is the same message
in HTML, and can extend ``layout.html.jinja2``, which shows the product's name and colours; its class ``button`` is for
the link that the reader should open. Both can use ``brand``, the product's name. A subject can use nothing else, so it
contains no text by users.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    PackageLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
    select_autoescape,
)

from insula.core.errors import ManifestError

_SHARED: Final = "insula.mail"
"""The package whose folder ``templates`` holds the layouts that every package's templates can extend."""

ANY_BRAND: Final = "Brand"
"""A brand to check a template with."""

_Kind = Literal["txt", "html"]
_KINDS: Final[tuple[_Kind, ...]] = ("txt", "html")


@dataclass(frozen=True, slots=True)
class EmailTemplate:
    """The two files of an email. Queued jobs store ``name``, so it must be unique in an installation and never change.

    ``package`` is the dotted name of the package whose folder holds the files.
    """

    name: str
    package: str

    def subject(self, brand: str) -> str:
        """Return the subject."""
        return _subject(self, brand)

    def text(self, values: Mapping[str, str]) -> str:
        """Return the message as text, without the subject."""
        return self._rendered("txt", values).partition("\n\n")[2]

    def html(self, values: Mapping[str, str]) -> str:
        """Return the message in HTML; the values are escaped."""
        return self._rendered("html", values)

    def check(self) -> None:
        """Raise ManifestError unless both files can be read and the subject uses at most the brand."""
        where = f"the email {self.name!r}"
        try:
            for kind in _KINDS:
                _environment(self.package).get_template(self.file(kind))
            subject = self.subject(ANY_BRAND)
        except (ImportError, ValueError):
            raise ManifestError(f"{where}: there is no package {self.package}: name the one with its files") from None
        except TemplateNotFound as error:
            raise ManifestError(f"{where}: {self.package} has no file {error.name}: add it") from None
        except TemplateSyntaxError as error:
            raise ManifestError(f"{where}: {error.name}, line {error.lineno}: {error.message}") from None
        except UndefinedError as error:
            raise ManifestError(f"{where}: {error}: a subject can show {{{{ brand }}}} and nothing else") from None
        if not subject:
            raise ManifestError(f"{where}: {self.file('txt')} has no subject: write it into the first line")

    def file(self, kind: _Kind) -> str:
        """Return the name of one of its files."""
        return f"{self.name}.{kind}.jinja2"

    def _rendered(self, kind: _Kind, values: Mapping[str, str]) -> str:
        return _environment(self.package).get_template(self.file(kind)).render(values)


@lru_cache
def _loader(package: str) -> BaseLoader:
    return ChoiceLoader([PackageLoader(package, ""), PackageLoader(_SHARED)])


@lru_cache
def _environment(package: str) -> Environment:
    return Environment(
        loader=_loader(package),
        autoescape=select_autoescape(["html.jinja2"], default_for_string=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@lru_cache
def _subject(template: EmailTemplate, brand: str) -> str:
    environment = _environment(template.package)
    source, _, _ = _loader(template.package).get_source(environment, template.file("txt"))
    return environment.from_string(source.partition("\n")[0]).render(brand=brand).strip()
