from pathlib import Path
from typing import Final

from insula.apps import App
from support.agents import SupportAgents
from support.database import DATABASE
from support.tickets import resource as tickets

APP: Final = App(
    name="support",
    mount="/support",
    title="Insula support",
    description="Tickets of the help desk: agents note the questions of members, and answer them.",
    purpose="For the agents of the help desk: the tickets of every tenant.",
    version="1",
    database=DATABASE,
    callers=(SupportAgents(),),
    migrations=Path(__file__).parent / "migrations",
    resources=(tickets.RESOURCE,),
)
