"""The trigger function that chains the audit log's events and checks which kinds of actors each role may record.

docs/decisions/0020-chained-audit-log.md defines what is hashed; ``insula audit verify`` recomputes it. A role
records only acts of its own kinds of actors, and the database sets their time. The owner restores old events, so
neither rule binds it. ``insula migrate`` updates the function when the declarations change.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.db.schema.declarations import Declarations

FUNCTION: Final = "chain_audit_event"
_BODY: Final = """
DECLARE
    head public.audit_head;
BEGIN
    SELECT * INTO head FROM public.audit_head WHERE tenant_id = NEW.tenant_id FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO public.audit_head (tenant_id, sequence, hash)
        VALUES (NEW.tenant_id, 0, pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex'))
        ON CONFLICT (tenant_id) DO NOTHING;
        SELECT * INTO STRICT head FROM public.audit_head WHERE tenant_id = NEW.tenant_id FOR UPDATE;
    END IF;

    IF NOT (CASE current_user
{acts}
        ELSE true
    END) THEN
        RAISE EXCEPTION '% records no act of %', current_user, NEW.actor_kind USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF current_user IN ({roles}) THEN
        NEW.occurred_at := pg_catalog.clock_timestamp();
    END IF;
    NEW.sequence := head.sequence + 1;
    NEW.previous_hash := head.hash;
    NEW.hash := pg_catalog.sha256(head.hash || pg_catalog.convert_to(pg_catalog.jsonb_build_array(
        NEW.tenant_id, NEW.sequence, NEW.id,
        (EXTRACT(epoch FROM NEW.occurred_at) * 1000000)::bigint,
        NEW.actor_kind, NEW.actor_id, NEW.actor_label, NEW.action, NEW.object_type, NEW.object_id,
        NEW.before, NEW.after, NEW.request_id, NEW.address
    )::text, 'UTF8'));
    UPDATE public.audit_head SET sequence = NEW.sequence, hash = NEW.hash WHERE tenant_id = NEW.tenant_id;
    RETURN NEW;
END
"""
_SOURCE: Final = text(
    "SELECT prosrc FROM pg_proc WHERE proname = :name AND pronamespace = 'public'::regnamespace AND pronargs = 0"
)


def apply_acts(connection: Connection, declared: Declarations) -> None:
    """Replace the function with the declared one. Run as the owner."""
    connection.exec_driver_sql(
        f"CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $${_body(declared)}$$"
    )


def acts_findings(connection: Connection, declared: Declarations) -> Iterator[str]:
    """Yield a finding if the function differs from the declared one."""
    if connection.execute(_SOURCE, {"name": FUNCTION}).scalar_one_or_none() != _body(declared):
        yield f"function {FUNCTION} is not as declared"


def _body(declared: Declarations) -> str:
    acts = [
        f"        WHEN '{role}' THEN " + (f"NEW.actor_kind IN ({', '.join(map(_quoted, kinds))})" if kinds else "false")
        for role, kinds in sorted(declared.actors.items())
    ]
    roles = ", ".join(f"'{role}'" for role in sorted(declared.actors))
    return _BODY.format(acts="\n".join(acts), roles=roles)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"
