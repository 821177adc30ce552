from typing import Final

from admin.sessions import routes
from insula.apps import Resource

RESOURCE: Final = Resource(routers=(routes.router,))
