"""Declarations: the checks of contradictions between them, and of a database that differs; each removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import tests

_DECLARED: Final = "platform/insula/db/schema/declarations.py"
_COUNTING: Final = "platform/insula/db/schema/counting.py"
_CHECK: Final = "platform/insula/db/schema/declaration_check.py"
_DECLARATIONS: Final = "db/test_declarations.py"
_NAMED: Final = "isolation/test_catalogue.py::test_the_check_reports_each_breach"

_MANIFEST: Final = "platform/insula/apps/manifest.py"
_NEW_TENANTS: Final = "platform/insula/tenancy/new_tenants.py"
_WORDS: Final = "platform/insula/http/openapi/vocabularies.py"
_MIDDLEWARE: Final = "platform/insula/apps/middleware.py"
_MIDDLEWARE_TESTS: Final = tests("apps/test_middleware.py")
_MANIFESTS: Final = tests("apps/test_manifest.py")
_NEW_TENANT_TESTS: Final = tests("tenancy/test_new_tenants.py")

_ERRORS: Final = "platform/insula/core/errors.py"
_ERROR_TESTS: Final = tests("site/test_error_pages.py")

DECLARATIONS: Final = (
    Edit("errors: one without an explanation", _ERRORS, "if missing:", "if False:", _ERROR_TESTS),
    Edit(
        "errors: a code that is no part of a URL",
        _ERRORS,
        "if not _CODE.fullmatch(cls.code):",
        "if False:",
        _ERROR_TESTS,
    ),
    Edit(
        "errors: two with the same code",
        "platform/insula/site/error_pages.py",
        "if other is not kind:",
        "if False:",
        _ERROR_TESTS,
    ),
    Edit("new tenants: any function", _MANIFEST, "    if not fits:", "    if False:", _MANIFESTS),
    Edit(
        "new tenants: any plan in an installation without plans",
        _NEW_TENANTS,
        "if not self.with_plans and plan != FREE:",
        "if False:",
        _NEW_TENANT_TESTS,
    ),
    Edit(
        "new tenants: only the first app's hook",
        _NEW_TENANTS,
        "for hook in self.hooks:",
        "for hook in self.hooks[:1]:",
        _NEW_TENANT_TESTS,
    ),
    Edit(
        "joined: after another resource",
        _MANIFEST,
        'if own.tag is not None and own.tag["name"] == after:',
        "if own.tag is not None:",
        _MANIFESTS,
    ),
    Edit(
        "documents: a quota in place of a field",
        _WORDS,
        "vocabularies[others.pop(NAMES)] if word not in own]",
        "vocabularies[others.pop(NAMES)]]",
        tests("site/test_vocabularies.py"),
    ),
    Edit(
        "declared: two owners of one thing",
        "platform/insula/db/schema/owners.py",
        "if (first := self.found.get(key)) is not None:",
        "if (first := self.found.get(key)) is not None and not owner:",
        tests(f"{_DECLARATIONS}::test_a_table_declared_twice_names_both_owners"),
    ),
    Edit(
        "declared: rights of an undeclared role",
        _DECLARED,
        'if len(words) > 1 and words[1] == "may" and words[0] not in known:',
        "if False:",
        tests(f"{_DECLARATIONS}::test_a_right_of_an_undeclared_role_suggests_the_closest_role"),
    ),
    Edit(
        "declared: a table without a model",
        _CHECK,
        "if table not in columns:",
        "if False:",
        tests(f"{_DECLARATIONS}::test_a_misspelt_name_is_an_error_that_suggests_the_fix"),
    ),
    Edit(
        "declared: a column that its model lacks",
        _CHECK,
        "for column in set(right.columns).difference(known):",
        "for column in set(right.columns).difference(known, right.columns):",
        tests(f"{_DECLARATIONS}::test_a_misspelt_name_is_an_error_that_suggests_the_fix"),
    ),
    Edit(
        "declared: any table without a tenant",
        _CHECK,
        "if not owned and table not in declared.global_tables:",
        "if False:",
        tests(f"{_DECLARATIONS}::test_a_table_without_tenant_id_must_be_declared_as_global"),
    ),
    Edit(
        "acts: another app's role may record any",
        "platform/insula/db/schema/acts.py",
        "for role, kinds in sorted(declared.actors.items())",
        'for role, kinds in sorted(declared.actors.items()) if "probe" not in role',
        tests(f"{_DECLARATIONS}::test_an_apps_role_records_only_events_of_its_actors"),
    ),
    Edit(
        "acts: a role that declares no actors may record any",
        "platform/insula/db/schema/declarations.py",
        "for each in declared if each.actors or isinstance(each.role, AppRole)}",
        "for each in declared if each.actors}",
        tests(f"{_DECLARATIONS}::test_an_apps_role_records_only_events_of_its_actors"),
    ),
    Edit(
        "declared: the worker has the rights of the first app only",
        _DECLARED,
        "found[key] = replace(first, columns=tuple(columns))",
        "found[key] = first",
        tests(f"{_DECLARATIONS}::test_the_worker_has_the_union_of_the_rights_that_apps_declare"),
    ),
    Edit(
        "declared: apps may declare a right of the worker with different reach",
        _DECLARED,
        "if first.reach != right.reach:",
        "if False:",
        tests(f"{_DECLARATIONS}::test_rights_of_the_worker_with_different_reach_are_an_error"),
    ),
    Edit(
        "actors: any kind",
        _DECLARED,
        "        if kind not in kinds:",
        "        if False:",
        tests(f"{_DECLARATIONS}::test_an_undeclared_kind_of_actors_is_an_error"),
    ),
    Edit(
        "actors: an app's role records no act of its callers",
        _DECLARED,
        "actors=tuple(dict.fromkeys((*kinds, *declared.actors)))",
        "actors=declared.actors",
        tests("apps/test_actors.py"),
    ),
    Edit("middleware: any class", _MIDDLEWARE, "if fault := _fault(each):", 'if fault := "":', _MIDDLEWARE_TESTS),
    Edit(
        "middleware: twice",
        _MIDDLEWARE,
        "for other in declared) > 1:",
        "for other in declared) > 9:",
        _MIDDLEWARE_TESTS,
    ),
    Edit(
        "middleware: before the checks of requests",
        "platform/insula/http/middleware/__init__.py",
        "        Middleware(RequestChecks, ",
        "        *own,\n        Middleware(RequestChecks, ",
        _MIDDLEWARE_TESTS,
    ),
    Edit(
        "catalogue: a quota with a changed trigger",
        _COUNTING,
        "elif existing[table, name] != trigger:",
        "elif existing[table, name].function != trigger.function:",
        tests(_NAMED),
    ),
    Edit(
        "catalogue: a quota without a trigger",
        _COUNTING,
        "if (table, name) not in existing:",
        "if not held:",
        tests("db/test_counting.py::test_a_missing_trigger_is_found_and_rows_are_recounted"),
    ),
    Edit(
        "catalogue: any function chains the audit log",
        "platform/insula/db/schema/acts.py",
        'if connection.execute(_SOURCE, {"name": FUNCTION}).scalar_one_or_none() != _body(declared):',
        'if connection.execute(_SOURCE, {"name": FUNCTION}).scalar_one_or_none() is None:',
        tests(_NAMED),
    ),
    Edit(
        "catalogue: any table without a tenant",
        "platform/insula/db/catalogue/check.py",
        "if table.tenant is None and table.name not in declared.global_tables:",
        "if False:",
        tests(_NAMED),
    ),
    Edit(
        "catalogue: any extension",
        "platform/insula/db/catalogue/bypasses.py",
        "AND extname <> ALL (:extensions)",
        "AND extname = ANY (:extensions)",
        tests("isolation/test_catalogue.py::test_an_undeclared_extension_is_one_finding"),
    ),
)
