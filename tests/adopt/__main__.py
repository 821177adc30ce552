"""Build products in temporary copies of the project, and show that each works: `make adopt`, `ONLY=a make adopt`.

For each product this makes a copy, builds the product in it and counts the changed lines. A product fails if it changes
more than its own folder, its migration and one line (with its import). Then, on the copy's code:

1. `make check`;
2. the attack matrix (`tests/isolation/test_matrix.py`), on every route of the product;
3. tests. Product b adds a resource to the app that most tests are about, so all tests run except those that start
   processes and break their dependencies. The others change which apps and resources there are, so the tests run that
   derive their cases from the installation: manifests, documents, architecture, callers, the database and isolation;
4. for an app, the guide's last step: add its folder to the contents of the wheel and of the image.

Each process that runs tests shows that it imported the copy's modules (`tests.adopt.origin`).
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Final

from tests.adopt.copies import Copy, StepFailed
from tests.adopt.products import IN_THE_IMAGE, MATRIX, PRODUCTS, Product

_PYTEST: Final = (".venv/bin/pytest", "-q", "-p", "tests.adopt.origin", "-p", "no:cacheprovider")
_MARKS: Final = ("--dist", "loadscope", "-m", "not browser and not pooler and not slow")


@dataclass
class Result:
    """The figures of one product, and its failure if there is one."""

    product: Product
    files: int = 0
    code: int = 0
    elsewhere: int = 0
    begun: float = field(default_factory=monotonic)
    seconds: float = 0.0
    fault: str = ""


def main() -> int:
    """Build the requested products; return 1 if one of them does not work."""
    parser = argparse.ArgumentParser(prog="make adopt", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="the products to build, such as a or ab")
    parser.add_argument("--jobs", default="2", help="how many tests to run at once")
    options = parser.parse_args()
    chosen = [product for product in PRODUCTS if product.key in options.only or not options.only]
    if unknown := set(options.only) - {product.key for product in PRODUCTS}:
        parser.error(f"there is no product {', '.join(sorted(unknown))}")
    results = [_adopted(product, options.jobs) for product in chosen]
    _print_table(results)
    return 1 if any(result.fault for result in results) else 0


def _adopted(product: Product, jobs: str) -> Result:
    result = Result(product)
    _print(f"{product.key}: {product.title}")
    try:
        with _directory() as directory:
            _show(product, directory, jobs, result)
    except (StepFailed, ValueError) as failure:  # a command failed, or a line that a guide changes is gone
        result.fault = str(failure).partition("\n")[0]
        _print(f"   {failure}")
    result.seconds = monotonic() - result.begun
    return result


def _show(product: Product, directory: Path, jobs: str, result: Result) -> None:
    begun = monotonic()
    copy = Copy.make(directory, without=product.without)
    product.build(copy.root)
    _step("copied and built", monotonic() - begun)
    changes = copy.changes()
    result.files = sum(1 for change in changes if product.is_own(change.file))
    result.elsewhere = sum(max(change.added, change.removed) for change in changes if not product.is_own(change.file))
    result.code = product.code_in(copy.root, changes)
    if faults := list(product.faults(changes, result.code)):
        raise StepFailed("; ".join(faults))
    _run(copy, "the copy's modules", ".venv/bin/python", "-m", "tests.adopt.origin")
    _run(copy, "make check", "make", "check", f"JOBS={jobs}")
    tests = (*_PYTEST, "-n", jobs, *_MARKS)
    _run(copy, "attack matrix", *tests, *MATRIX)
    left_out = [f"--ignore={path}" for path in product.left_out]
    _run(copy, " ".join(product.suites), *tests, *left_out, *product.suites)
    if product.ship is not None:
        product.ship(copy.root)
        _run(copy, f"shipped: {IN_THE_IMAGE}", *tests, IN_THE_IMAGE)


def _run(copy: Copy, step: str, *command: str) -> None:
    try:
        seconds = copy.run(command)
    except StepFailed as failure:
        raise StepFailed(f"{step} failed\n{failure}") from None
    _step(step, seconds)


@contextmanager
def _directory() -> Iterator[Path]:
    """Give an empty directory that the servers' user may enter."""
    directory = Path(tempfile.mkdtemp(prefix="insula-adopt-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _print_table(results: Sequence[Result]) -> None:
    _print("")
    _print(f"{'product':50} {'files':>6} {'code':>6} {'elsewhere':>10} {'seconds':>8}")
    for result in results:
        figures = f"{result.files:6} {result.code:6} {result.elsewhere:10} {result.seconds:8.0f}"
        title = f"{result.product.key}: {result.product.title}"
        _print(f"{title:50} {figures}  {'FAILED: ' + result.fault if result.fault else 'works'}")
    _print("files: its own; code: lines in them; elsewhere: lines changed in other files")


def _step(name: str, seconds: float) -> None:
    _print(f"   {seconds:6.1f} s  {name}")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
