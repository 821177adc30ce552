"""The attack matrix: every caller attacks every route of the live apps; leaks and changed rows are findings.

A new resource is attacked without further work: callers come from the route's guard, ids from a row of
every tenant-owned table, bodies from the schema's example. Only ``kinds`` holds what cannot be derived:
a path parameter that is not ``{table}_id``, a column whose value matters.

    .venv/bin/python -m tests.isolation.matrix --depth full --route "GET /api/v1/racks"
"""

from tests.isolation.matrix.report import Report
from tests.isolation.matrix.run import attack
from tests.isolation.matrix.stage import Stage

__all__ = ["Report", "Stage", "attack"]
