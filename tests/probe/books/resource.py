from typing import Final

from insula.apps import AttackHints, Resource, Tag
from insula.db.schema.rights import owned
from tests.probe.books import routes
from tests.probe.books.models import BOOKS, Book
from tests.probe.books.permissions import Action

RESOURCE: Final = Resource(
    tag=Tag(name="books", description="What stands on a rack."),
    routers=(routes.router,),
    permissions=Action,
    attack=AttackHints(
        actions={"POST /v1/racks/{rack_id}/books/bulk": "book:create"},
        rows={"book": 2 * ({"status": "open", "reader_id": None},)},
    ),
    tables=(owned(Book),),
    entitlements=(BOOKS,),
)
