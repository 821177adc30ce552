"""The attack matrix: every route of the live apps, attacked from every side, judged by what leaks and what changes.

A resource that is added is attacked as it is: callers come from the route's guard, ids from a row of
every table that a tenant owns, bodies from the schema's example. What cannot be known so is said in
``kinds``, and nowhere else: a path parameter that is not ``{table}_id``, a column whose value matters.

    .venv/bin/python -m tests.isolation.matrix --depth full --route "GET /api/v1/racks"
"""

from tests.isolation.matrix.report import Report
from tests.isolation.matrix.run import attack
from tests.isolation.matrix.stage import Stage

__all__ = ["Report", "Stage", "attack"]
