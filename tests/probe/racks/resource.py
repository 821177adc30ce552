from pathlib import Path
from typing import Final

from insula.apps import AttackHints, Resource, Tag
from insula.db.schema.branches import Branch
from insula.db.schema.rights import owned
from tests.probe.racks import routes
from tests.probe.racks.models import RACKS, Rack
from tests.probe.racks.permissions import Action

RESOURCE: Final = Resource(
    tag=Tag(name="racks", description="Where books are kept."),
    routers=(routes.router,),
    permissions=Action,
    attack=AttackHints(rows={"rack": 2 * ({"status": "active"},)}),
    tables=(owned(Rack),),
    entitlements=(RACKS,),
    migrations=Branch("probe", Path(__file__).parents[1] / "migrations"),
)
