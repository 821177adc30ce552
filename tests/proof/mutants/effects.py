"""Repeated requests, jobs, webhooks, invitations, roles, streams: each check removed."""

from typing import Final

from tests.proof.mutants.edits import Edit
from tests.proof.mutants.targets import fault, tests

_ACCESS: Final = "platform/insula/http/routing/guards.py"
_STATE: Final = tests("http/test_state.py")
_ROUTE_CHECK: Final = "platform/insula/http/routing/route_check.py"
_RUNNER: Final = "platform/insula/worker/runner.py"
_JOBS: Final = "platform/insula/jobs/context.py"
_EXTERNAL: Final = "platform/insula/jobs/effects.py"
_DELIVERY: Final = tests("mail/test_delivery.py")
_MANIFEST: Final = "platform/insula/apps/manifest.py"
_LOOK: Final = "platform/insula/core/look.py"
_INSTALLATION: Final = "platform/insula/apps/installation.py"
_DECLARED: Final = tests("apps/test_manifest.py")
_SIGNATURE: Final = "billing/webhooks/signature.py"
_INBOX: Final = "billing/webhooks/inbox.py"
_SUBSCRIPTIONS: Final = "billing/webhooks/subscription_events.py"
_SUBSCRIBED: Final = tests("billing/webhooks/test_subscription_events.py")
_INVITATIONS: Final = "tenants/invitations/service.py"
_PEOPLE: Final = "tenants/people_lock.py"
_MEMBERS: Final = "tenants/members/service.py"
_DOMAINS: Final = "tenants/domains/service.py"
_INVITED: Final = tests("faults/test_29_invitations.py")
_RANKS: Final = tests("tenants/members/test_roles.py")

EFFECTS: Final = (
    Edit(
        "streams: the caller is not identified again",
        _ACCESS,
        "again = self.narrow(await callers.identify(credentials, self.admits, kernel, role))",
        "again = caller",
        tests("audit/test_streaming.py"),
    ),
    Edit(
        "streams: the role is not checked again",
        _ACCESS,
        "            self.authorise(again, kernel.policy)\n",
        "",
        tests("audit/test_streaming.py"),
    ),
    Edit(
        "routes: unguarded ones serve",
        _ROUTE_CHECK,
        "    if undeclared:\n",
        "    if False:\n",
        fault("30_unguarded_route"),
    ),
    Edit(
        "routes: one guard's caller is let in by all",
        _ACCESS,
        "return admission is not None and admission.guard is self",
        "return admission is not None",
        _STATE,
    ),
    Edit(
        "routes: the unit of one guard is lost to another",
        _ACCESS,
        "if state.attempt is not None or (long_lived",
        "if (long_lived",
        _STATE,
    ),
    Edit(
        "routes: a dependency of the route gets another scope",
        _ACCESS,
        "if state.attempt is not None and self._made(admission):",
        "if False:",
        _STATE,
    ),
    Edit("routes: two guards are taken", "platform/insula/http/routing/route.py", ")])) > 1:", ")])) > 2:", _STATE),
    Edit(
        "scope: any key",
        "scripts/check_scope.py",
        "elif text not in allowed:",
        "elif False:",
        tests("architecture/test_check_scope.py"),
    ),
    Edit(
        "routes: two share a name", _ROUTE_CHECK, "    if repeated:\n", "    if False:\n", fault("30_unguarded_route")
    ),
    Edit(
        "jobs: without a tenant",
        _RUNNER,
        "if context.tenant_id is None and self.task not in self.resources.declared.tenantless_tasks:",
        "if False:",
        fault("20_job_of_another_tenant"),
    ),
    Edit(
        "jobs: suspended tenants' too",
        _JOBS,
        "if found.one_or_none() != ACTIVE:",
        "if False:",
        tests("jobs/test_worker.py", "faults/test_19_deleted_tenant.py"),
    ),
    Edit(
        "jobs: without their tenant's rows",
        _JOBS,
        "self.database.unit(WORKER, self.tenant_id or NO_TENANT)",
        "self.database.unit(WORKER, NO_TENANT)",
        tests("jobs/test_worker.py"),
    ),
    Edit(
        "mails: claims are not committed",
        _EXTERNAL,
        "            if not await effect_once(unit, claims[0]):\n                raise ClaimTaken\n",
        "            pass\n",
        _DELIVERY,
    ),
    Edit("mails: attempted without a limit", _EXTERNAL, "    if not claims:\n", "    if False:\n", _DELIVERY),
    Edit("mails: attempted only once", _EXTERNAL, "_MOST: Final = 2", "_MOST: Final = 1", _DELIVERY),
    Edit("mails: sent again although marked as done", _EXTERNAL, "None if key in found else", "", _DELIVERY),
    Edit(
        "mails: a refusal keeps its claim",
        _EXTERNAL,
        "        await _write_outcome(context, lambda unit: _release(unit, claims[:1]))\n",
        "",
        tests("mail/test_mail.py"),
    ),
    Edit(
        "mails: all wait for a silent server",
        "platform/insula/worker/mailers.py",
        "is_hurried = self._is_silent and not probes",
        "is_hurried = False",
        tests("mail/test_silent_server.py"),
    ),
    Edit(
        "emails: missing files are found only when sending",
        _MANIFEST,
        "            email.check()\n",
        "            pass\n",
        _DECLARED,
    ),
    Edit(
        "emails: two with the same name",
        _INSTALLATION,
        '        unique("two emails have the name {}: rename one", (email.name for email in self.emails))\n',
        "",
        _DECLARED,
    ),
    Edit("pages: files in place of the kernel's", _MANIFEST, " or (STATIC / name).exists()", "", _DECLARED),
    Edit(
        "pages: two folders with the same name",
        _INSTALLATION,
        '        unique("two resources serve /static/{}: rename one", '
        "chain.from_iterable(at.static for at in self.resources))\n",
        "",
        _DECLARED,
    ),
    Edit("emails: a brand name with a line break", _LOOK, " or not name.isprintable()", "", _DECLARED),
    Edit(
        "emails: subjects with people's text",
        "platform/insula/mail/templates.py",
        "        except UndefinedError as error:",
        "        except UndefinedError as error:\n            return",
        tests("mail/test_templates.py"),
    ),
    Edit(
        "mails: two with the same key at once",
        "platform/insula/mail/outbox.py",
        "lock=lock, queueing_lock=lock",
        "queueing_lock=lock",
        _DELIVERY,
    ),
    Edit("webhooks: any signature", _SIGNATURE, "if not any(matches):", "if False:", fault("31_unsigned_webhook")),
    Edit(
        "webhooks: any timestamp",
        _SIGNATURE,
        "if abs(clock.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:",
        "if False:",
        fault("32_old_webhook"),
    ),
    Edit(
        "webhooks: from the future",
        _SIGNATURE,
        "if abs(clock.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:",
        "if clock.timestamp() - int(timestamp) > TOLERANCE_SECONDS:",
        fault("32_old_webhook"),
    ),
    Edit(
        "webhooks: trusts the tenant in the metadata",
        _INBOX,
        "    if tenant_id is None:\n        return False",
        '    told = row.payload["data"]["object"].get("metadata") or {}\n'
        '    tenant_id = UUID(told["tenant_id"]) if told.get("tenant_id") else tenant_id\n'
        "    if tenant_id is None:\n        return False",
        fault("05_foreign_metadata"),
    ),
    Edit(
        "webhooks: test mode too",
        _INBOX,
        "if event.livemode != live_mode:",
        "if False:",
        tests("billing/webhooks/test_routes.py"),
    ),
    Edit(
        "webhooks: outdated ones too",
        _SUBSCRIPTIONS,
        "return event if arrived > position else None",
        "return event",
        _SUBSCRIBED,
    ),
    Edit(
        "webhooks: the last arrival within a second decides",
        _SUBSCRIPTIONS,
        "latest = last_of(await queries.events_of_second(session, event))",
        "latest = event",
        _SUBSCRIBED,
    ),
    Edit(
        "webhooks: the first item decides",
        _SUBSCRIPTIONS,
        "await _item_of_plan(session, state.items)",
        "await _item_of_plan(session, state.items[:1])",
        _SUBSCRIBED,
    ),
    Edit(
        "webhooks: any number of seats",
        _SUBSCRIPTIONS,
        "if item.quantity is not None and item.quantity > _MAX_SEATS:",
        "if False:",
        fault("36_poison_webhook"),
    ),
    Edit(
        "webhooks: an unknown status ends access",
        "billing/subscriptions/service.py",
        "row.status not in ENDED_STATUSES",
        "row.status in ('trialing', 'active', 'past_due')",
        _SUBSCRIBED,
    ),
    Edit(
        "invitations: any secret",
        _INVITATIONS,
        "        or not tokens.fits(token, invitation.token_hash)\n",
        "",
        _INVITED,
    ),
    Edit(
        "invitations: accepted or revoked ones too",
        _INVITATIONS,
        '        or invitation.status != "pending"\n',
        "",
        _INVITED,
    ),
    Edit("invitations: before the address is verified", _INVITATIONS, "        or not person.verified\n", "", _INVITED),
    Edit(
        "invitations: for another address",
        _INVITATIONS,
        "        or fold(person.email) != invitation.email\n",
        "",
        _INVITED,
    ),
    Edit(
        "invitations: by inviters who have lost the right",
        _INVITATIONS,
        "if own is None or offered is None or Action.CREATE not in own or not may_grant(own, offered):",
        "if offered is None:",
        _INVITED,
    ),
    Edit(
        "roles: above the caller's own",
        _PEOPLE,
        "if not may_grant(self.permissions, permissions):",
        "if False:",
        _RANKS,
    ),
    Edit(
        "roles: every role is within every other",
        "platform/insula/access/roles.py",
        "return role <= own",
        "return True",
        _RANKS,
    ),
    Edit(
        "roles: outdated permissions count",
        _PEOPLE,
        "if member is None or permissions is None or action not in permissions:",
        "if member is None or permissions is None:",
        tests("faults/test_28_custom_roles.py", "faults/test_29_custom_roles.py"),
    ),
    Edit(
        "roles: unpublished permissions count",
        "platform/insula/access/policy.py",
        "        if action not in self._assignable:\n            return False",
        "        if action in permissions:\n            return True\n"
        "        if action not in self._assignable:\n            return False",
        tests("access"),
    ),
    Edit(
        "roles: owners' own permissions for every role",
        "platform/insula/access/permissions.py",
        "return not self.roles.isdisjoint(Role) and self.roles != OWNERS",
        "return not self.roles.isdisjoint(Role)",
        tests("access/test_permissions.py"),
    ),
    Edit(
        "roles: two permissions with the same code",
        "platform/insula/access/permissions.py",
        "if times > 1)",
        "if times > 2)",
        tests("access/test_permissions.py"),
    ),
    Edit(
        "roles: of any tenant",
        "platform/insula/tenancy/queries.py",
        "r.tenant_id = m.tenant_id and r.key = m.custom_role",
        "r.key = m.custom_role",
        tests("tenancy/test_custom_roles.py"),
    ),
    Edit(
        "keys: permissions for people only",
        "platform/insula/access/policy.py",
        "for code, one in self.published.items() if not one.for_people",
        "for code in self.published",
        tests("tenants/api_keys/test_create.py"),
    ),
    Edit(
        "keys: permissions that no key can have",
        "tenants/api_keys/service.py",
        "if unknown := sorted(set(actions) - scope.policy.for_keys):",
        "if unknown := []:",
        tests("tenants/api_keys/test_create.py"),
    ),
    Edit(
        "roles: permissions that no role can have",
        "tenants/roles/service.py",
        "if unknown := sorted(set(permissions) - scope.policy.published.keys()):",
        "if unknown := []:",
        tests("tenants/roles/test_routes.py"),
    ),
    Edit(
        "keys: more than their creator may",
        "platform/insula/access/policy.py",
        "return self.for_keys & permissions",
        "return self.for_keys",
        tests("tenants/api_keys/test_create.py"),
    ),
    Edit(
        "owners: the last one may leave",
        _MEMBERS,
        "if member.role == Role.OWNER and await queries.count_owners(scope.unit.session) == 1:",
        "if False:",
        fault("29_last_owner"),
    ),
    Edit("seats: one more", _INVITATIONS, "if taken + 1 > granted:", "if taken > granted:", fault("38_last_seat")),
    Edit(
        "domains: accepted without verification",
        _DOMAINS,
        "if not await proved(claim, resolver):",
        "if False:",
        tests("tenants/domains/test_routes.py"),
    ),
)
