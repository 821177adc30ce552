"""The products that `make adopt` builds: how each is built in a copy, its own files, and the tests that must pass."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.adopt.copies import Change
from tests.adopt.imports import tests_about
from tests.support.guide import MOST_LINES, blocks_of, lines_of_code
from tests.support.project import EXAMPLE, ROOT

GUIDES: Final = ROOT / "docs" / "guides"
EXAMPLES: Final = ROOT / "examples"

MATRIX: Final = ("tests/isolation/test_matrix.py",)
INSTALLATION_SUITES: Final = (
    "tests/apps",
    "tests/site",
    "tests/architecture",
    "tests/callers",
    "tests/db",
    "tests/isolation",
)
"""The tests about manifests, documents, architecture, callers, the database and isolation: they derive their cases from
the installation."""

INSTALLATION: Final = "platform/insula_default/installation.py"

SHIPPING: Final = ("pyproject.toml", "Dockerfile", ".dockerignore")
"""Files that list the contents of the wheel and of the image."""

IN_THE_IMAGE: Final = "tests/architecture/test_container_files.py"

SEPARATE_STEPS: Final = (
    *MATRIX,  # a step of its own
    "tests/architecture/test_guide.py",  # makes a copy and follows the guide, as product b does
    "tests/architecture/test_import_contracts.py",  # breaks each contract; `make check` shows that they are kept
)


PROCESS_SUITES: Final = tuple(
    f"tests/{folder}" for folder in ("benchmarks", "cli", "dev", "faults", "jobs", "mail", "proof", "story")
)
"""The tests that start processes and break their dependencies: no result depends on the set of resources."""


GRANTED: Final = 'granted={"requests_per_minute": 60, "projects": 3, "items": 1_000, "seats": 5},'
"""The entitlements that a product without plans grants to each tenant."""

LEFT_OUT: Final = "billing"
"""The app that product d leaves out."""

NEED_BILLING: Final[Mapping[str, str]] = {
    "tests/apps/test_without_billing.py": "leaves it out of the default installation",
    "tests/architecture/test_import_contracts.py": "breaks the contracts of the default installation's apps",
    "tests/browser/test_docs_authorize.py": "signs in on its page, too",
    "tests/browser/test_docs_pages.py": "likewise",
    "tests/example/test_demo.py": "compares all demo rows of the default installation",
    "tests/example/test_former_chain": "upgrades the previous release, which had its tables",
    "tests/example/test_story.py": "buys a plan",
    "tests/faults/test_31_unsigned_webhook.py": "is about its webhooks",
    "tests/faults/test_33_repeated_webhook.py": "likewise",
    "tests/faults/test_35_killed_webhook.py": "likewise",
    "tests/faults/test_36_poison_webhook.py": "likewise",
    "tests/fuzz/": "aims at its tables and its webhooks, too",
}
"""The tests outside of ``tests/billing`` that a product without billing loses, and why."""

PREVIOUS_RELEASE_SUITES: Final = ("tests/architecture/test_recorded_upgrade.py",)
"""Tests of the upgrade from the previous release, in addition to those that name billing."""


@dataclass(frozen=True)
class Product:
    """``own`` are path prefixes of the files that the product adds or removes.

    ``elsewhere`` are the other files that it may change, each with its maximum of changed lines. ``suites`` run in one
    step after the attack matrix, without those ``left_out``. ``most_code`` bounds the lines of code that it adds.
    """

    key: str
    title: str
    build: Callable[[Path], None]
    own: tuple[str, ...]
    elsewhere: Mapping[str, int]
    suites: tuple[str, ...]
    left_out: tuple[str, ...] = SEPARATE_STEPS
    ship: Callable[[Path], None] | None = None
    """Adds the product's folder to the files of ``SHIPPING``."""

    most_code: int | None = None
    without: tuple[str, ...] = ()
    """Folders that the copy does not have."""

    tests: tuple[str, ...] = field(default=("tests/",))
    """Path prefixes of its own files that are tests, not code."""

    def is_own(self, file: str) -> bool:
        """Tell whether the file belongs to the product."""
        return file.startswith(self.own)

    def faults(self, changes: Sequence[Change], code: int) -> Iterator[str]:
        """Yield the changes beyond those that the product may make."""
        if not any(self.is_own(change.file) for change in changes):
            yield "it has no file of its own"
        for change in changes:
            if self.is_own(change.file):
                continue
            most, found = self.elsewhere.get(change.file), max(change.added, change.removed)
            if most is None:
                yield f"it changes {change.file}"
            elif found > most:
                yield f"it changes {found} lines of {change.file}, not {most}"
        if self.most_code is not None and code > self.most_code:
            yield f"it takes {code} lines of code, not {self.most_code}"

    def code_in(self, root: Path, changes: Sequence[Change]) -> int:
        """Return the number of lines of code that it adds, without tests."""
        files = [change.file for change in changes if self.is_own(change.file) and change.file.endswith(".py")]
        there = [root / file for file in files if not file.startswith(self.tests) and (root / file).exists()]
        return sum(lines_of_code(file.read_text()) for file in there)


def _support(root: Path) -> None:
    """Follow docs/guides/add-an-app.md: copy the folder, and add the app to the installation."""
    shutil.copytree(EXAMPLES / "support", root / "support", ignore=shutil.ignore_patterns("__pycache__"))
    tests = root / "tests" / "support_tests"
    shutil.copytree(EXAMPLES / "support_tests", tests, ignore=shutil.ignore_patterns("__pycache__"))
    for block in blocks_of(GUIDES / "add-an-app.md"):
        if block.where and block.file not in SHIPPING:
            block.follow(root)


def _ship(root: Path) -> None:
    """Follow the guide's last step: add the app's folder to the contents of the wheel and of the image."""
    for block in blocks_of(GUIDES / "add-an-app.md"):
        if block.file in SHIPPING:
            block.follow(root)


def _labels(root: Path) -> None:
    """Follow docs/guides/add-a-resource.md."""
    for block in blocks_of(GUIDES / "add-a-resource.md"):
        block.follow(root)


def _without_example(root: Path) -> None:
    """Remove the example: projects and items, their tests, and the lines that name them in their app."""
    for folder in EXAMPLE:
        shutil.rmtree(root / folder, ignore_errors=True)
    _leave_out(
        root / "tenants" / "app.py",
        "from tenants.items import resource as items",
        "from tenants.projects import resource as projects",
        "        projects.RESOURCE,",
        "        items.RESOURCE,",
    )


def _without_billing(root: Path) -> None:
    """Remove billing: its folder, its tests, and the lines that name it. Add a tenant's entitlements without plans."""
    shutil.rmtree(root / "billing")
    for file in tests_about(root, LEFT_OUT):
        (root / file).unlink()
    for file in PREVIOUS_RELEASE_SUITES:
        (root / file).unlink(missing_ok=True)
    installation = root / INSTALLATION
    source = installation.read_text()
    brought = source[
        source.index("ADMIN: Final") : source.index("INSTALLATION: Final")
    ]  # the resources that billing adds to admin
    installation.write_text(source.replace(brought, ""))
    _leave_out(installation, "import billing.app", "        billing.app.APP,", "from pathlib import Path")
    _replace(installation, "        ADMIN,", "        admin.app.APP,")
    # A database of the previous release has billing's role and tables; a product without them begins with a new one.
    _replace(installation, '    former_migrations=Path(__file__).parent / "migrations" / "former",', f"    {GRANTED}")
    _leave_out(root / "pyproject.toml", '  "billing",')
    _leave_out(root / "Dockerfile", "COPY billing billing")
    _leave_out(root / ".dockerignore", "!billing")
    settings = root / ".env.example"
    lines = settings.read_text().splitlines(keepends=True)
    of_billing = {number for number, line in enumerate(lines) if line.startswith("#INSULA_BILLING_")}
    left = (line for number, line in enumerate(lines) if not {number, number + 1} & of_billing)  # each has its comment
    settings.write_text("".join(left))


def _leave_out(file: Path, *lines: str) -> None:
    for line in lines:
        _put(file, line, "")


def _replace(file: Path, line: str, other: str) -> None:
    _put(file, line, f"{other}\n")


def _put(file: Path, line: str, text: str) -> None:
    """Replace the line by the text. Raises ValueError unless the file has the line exactly once."""
    found = file.read_text()
    if found.count(f"{line}\n") != 1:
        raise ValueError(f"{file} does not have this line exactly once: {line}")
    file.write_text(found.replace(f"{line}\n", text))


PRODUCTS: Final = (
    Product(
        key="a",
        title="a fourth app, support, with callers of its own",
        build=_support,
        without=("examples",),  # moved, not copied: two modules of one name would conflict
        own=("support/", "tests/support_tests/"),
        elsewhere={INSTALLATION: 2},  # the import, and the line that names the app
        suites=(*INSTALLATION_SUITES, "tests/support_tests"),
        left_out=(*SEPARATE_STEPS, IN_THE_IMAGE),  # until it is shipped
        ship=_ship,
    ),
    Product(
        key="b",
        title="a resource, labels, by the guide",
        build=_labels,
        own=("tenants/labels/", "tenants/migrations/20261201_1000_labels.py"),
        elsewhere={"tenants/app.py": 2},  # the import, and the line that names the resource
        suites=("tests",),
        left_out=(*SEPARATE_STEPS, *PROCESS_SUITES),
        most_code=MOST_LINES,
    ),
    Product(
        key="c",
        title="without the example, projects and items",
        build=_without_example,
        own=EXAMPLE,
        elsewhere={"tenants/app.py": 4},  # two imports, and two lines that name a resource
        suites=(*INSTALLATION_SUITES, "tests/tenants"),
    ),
    Product(
        key="d",
        title="without billing",
        build=_without_billing,
        own=("billing/", *tests_about(ROOT, LEFT_OUT), *PREVIOUS_RELEASE_SUITES),
        # The import, its resources in the admin app, the line that names it, and tenants' entitlements in place of the
        # upgrade from the previous release; then the settings, and the lists of shipped files.
        elsewhere={INSTALLATION: 9, ".env.example": 4, **dict.fromkeys(SHIPPING, 1)},
        suites=(*INSTALLATION_SUITES, "tests/tenants"),
    ),
)
