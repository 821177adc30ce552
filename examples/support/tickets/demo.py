"""Demo rows: two agents, and a ticket of each demo tenant's owner."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from insula.apps import Demo, enter_tenant
from insula.core.ids import new_id
from support.agents import AgentRole

AGENTS: Final = {"lead@support.example": AgentRole.LEAD, "clerk@support.example": AgentRole.CLERK}

_AGENT: Final = text("""
    INSERT INTO support_agent (user_id, role) SELECT id, :role FROM "user" WHERE email = :email ON CONFLICT DO NOTHING
""")
_TICKET: Final = text("""
    INSERT INTO ticket (tenant_id, id, member_id, subject, question, status, created_at, updated_at, version)
    SELECT tenant_id, :id, id, 'How do I invite people?', 'I cannot find the button.', 'open', :now, :now, 1
    FROM membership WHERE tenant_id = :tenant_id AND role = 'owner'
""")


def seed(connection: Connection, demo: Demo) -> None:
    """Make the agents, and the new tenants' tickets."""
    for email, role in AGENTS.items():
        demo.add_user(connection, email)
        connection.execute(_AGENT, {"email": email, "role": role})
    for tenant in demo.tenants:
        enter_tenant(connection, tenant.id)
        connection.execute(_TICKET, {"tenant_id": tenant.id, "id": new_id(), "now": demo.now})
