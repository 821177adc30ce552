"""The rules for a project's items.

The foreign keys check that a project or an assignee exists in this tenant: after a check before the insert, another
request could still delete it.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from insula.audit import record, snapshot
from insula.core.errors import AppError, NotFound
from insula.core.paging import Slice
from insula.core.preconditions import Precondition
from insula.db.query import rows
from insula.db.query.violations import violations_as
from insula.scope import Scope
from insula.scope.quotas import check_quota
from tenants.items import queries
from tenants.items.acts import Act
from tenants.items.errors import AssigneeNotFound
from tenants.items.models import ITEMS, ProjectItem
from tenants.items.schemas import ItemCreate, ItemList, ItemUpdate
from tenants.projects import service as projects

_VIOLATIONS: Final[Mapping[str, type[AppError]]] = {
    "fk_project_item_tenant_id_project_id": NotFound,
    "fk_project_item_tenant_id_assignee_id": AssigneeNotFound,
}


async def page(scope: Scope, project_id: UUID, params: ItemList) -> Slice[ProjectItem]:
    """Return one page of the project's items, or raise NotFound when there is no such project."""
    found = await queries.page(scope.unit, project_id, params)
    if not found.rows:
        await projects.get(scope, project_id)
    return found


async def get(scope: Scope, project_id: UUID, item_id: UUID) -> ProjectItem:
    """Return the item, or raise NotFound."""
    return _found(await queries.find(scope.unit, project_id, item_id))


async def create(scope: Scope, project_id: UUID, body: ItemCreate) -> ProjectItem:
    """Create an item in the project, within the plan's quota."""
    with violations_as(scope.unit, _VIOLATIONS):
        item = await rows.create(scope.unit, ProjectItem, project_id=project_id, **body.model_dump())
    check_quota(scope, ITEMS)
    record(scope, Act.CREATED, object_type="item", object_id=item.id, after=snapshot(item))
    return item


async def create_many(scope: Scope, project_id: UUID, bodies: Sequence[ItemCreate]) -> list[UUID]:
    """Create all the items, or none; return their ids in order."""
    values = [{"project_id": project_id, **body.model_dump()} for body in bodies]
    with violations_as(scope.unit, _VIOLATIONS):
        items = await rows.create_all(scope.unit, ProjectItem, values)
    check_quota(scope, ITEMS)
    ids = [item.id for item in items]
    made = {"project_id": project_id, "count": len(ids), "ids": ids}
    record(scope, Act.ITEMS_CREATED, object_type="project", object_id=project_id, after=made)
    return ids


async def update(
    scope: Scope, project_id: UUID, item_id: UUID, body: ItemUpdate, precondition: Precondition
) -> ProjectItem:
    """Change the fields in ``body``."""
    item = _found(await queries.lock(scope.unit, project_id, item_id))
    precondition.check(item.version)
    with violations_as(scope.unit, _VIOLATIONS):
        changed = await rows.update(scope.unit, item, body.changes())
    record(scope, Act.UPDATED, object_type="item", object_id=item_id, before=snapshot(item), after=snapshot(changed))
    return changed


async def delete(scope: Scope, project_id: UUID, item_id: UUID, precondition: Precondition) -> None:
    """Delete the item."""
    item = _found(await queries.lock(scope.unit, project_id, item_id))
    precondition.check(item.version)
    await rows.delete(scope.unit, item)
    record(scope, Act.DELETED, object_type="item", object_id=item_id, before=snapshot(item))


def _found(item: ProjectItem | None) -> ProjectItem:
    if item is None:
        raise NotFound
    return item
