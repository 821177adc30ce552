from typing import Final

from billing.database import BILLING, STAFF, TENANTS
from billing.plans import routes
from billing.plans.models import Plan
from billing.plans.permissions import Action
from insula.apps import Resource, Tag
from insula.db.schema.rights import global_table, may

RESOURCE: Final = Resource(
    tag=Tag(name="plans", description="The plans that can be bought."),
    routers=(routes.router,),
    tables=(
        global_table(Plan),
        *(may(role, "all", Plan, "SELECT") for role in (BILLING, TENANTS, STAFF)),
    ),
    permissions=Action,
)
