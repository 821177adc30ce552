"""Frequent calls of the example's routes."""

from tests.tenants.support import Caller


async def new_project(caller: Caller, name: str = "Website", **more: object) -> str:
    """Create a project and return its path."""
    return await caller.made("/projects", {"name": name, **more})


async def new_item(caller: Caller, project: str, title: str = "Front page", **more: object) -> str:
    """Create an item and return its path."""
    return await caller.made(f"{project}/items", {"title": title, **more})
