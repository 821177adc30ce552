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
    description="What the agents of the help desk do: note what members ask, and answer it.",
    purpose="What the agents of the help desk call: the tickets of every tenant.",
    version="1",
    database=DATABASE,
    callers=(SupportAgents(),),
    migrations=Path(__file__).parent / "migrations",
    resources=(tickets.RESOURCE,),
)
