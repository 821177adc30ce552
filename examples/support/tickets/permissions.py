from insula.access import Permission
from support.agents import EVERY_AGENT, LEADS


class Action(Permission):
    """What agents may do with tickets."""

    READ = "support_agent.ticket:read", "See the tickets of every tenant", EVERY_AGENT
    CREATE = "support_agent.ticket:create", "Open tickets for members", EVERY_AGENT
    ANSWER = "support_agent.ticket:answer", "Answer tickets", LEADS
