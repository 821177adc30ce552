"""Fault 59: for every sort order, a list accepts the cursors that it returns."""

import httpx
import pytest

from insula.core.text.fields import MAX_SEARCH
from tests.support.app import SignIn
from tests.support.factories import Factories
from tests.tenants.support import Caller, joined

CYRILLIC, WIDE, ESCAPED = "щ", "\U0001f3db", '"\\'


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant(plan="pro"))


@pytest.mark.parametrize("character", [CYRILLIC, WIDE, ESCAPED])
class TestCursors:
    async def test_the_cursor_of_a_long_title_is_accepted(self, owner: Caller, character: str) -> None:
        rack = await owner.rack()
        titles = [character * (200 // len(character) - 1) + end for end in ("a", "b")]
        for title in titles:
            await owner.book(rack, title)
        for sort_by, expected in (("title", titles), ("-title", titles[::-1])):
            listed = await owner.walk(f"{rack}/books", limit=1, sort_by=sort_by)
            assert [book["title"] for book in listed] == expected

    async def test_the_cursor_of_a_long_name_is_accepted(self, owner: Caller, make: Factories, character: str) -> None:
        names = [character * (120 // len(character) - 1) + end for end in ("a", "b")]
        for name in names:
            await owner.rack(name)
            await owner.post("/api-keys", {"name": name, "actions": ["rack:read"]})
        for path in ("/racks", "/api-keys"):
            listed = await owner.walk(path, limit=1, sort_by="name")
            assert [row["name"] for row in listed] == names
        for name in names:
            await make.member(owner.home, user=await make.user(name=name))
        assert len(await owner.walk("/members", limit=1, sort_by="name")) == 3

    async def test_the_cursor_of_a_long_email_address_is_accepted(
        self, owner: Caller, make: Factories, character: str
    ) -> None:
        local = character * (60 // len(character))
        for end in ("a", "b"):
            await make.member(owner.home, user=await make.user(email=f"{local}{end}@{'x.' * 90}example.com"))
        assert len(await owner.walk("/members", limit=1, sort_by="email")) == 3


async def test_a_whole_listed_text_can_be_searched_for(owner: Caller) -> None:
    rack = await owner.rack()
    title = CYRILLIC * 200
    await owner.book(rack, title)
    assert [book["title"] for book in await owner.walk(f"{rack}/books", limit=5, search=title)] == [title]
    assert (await owner.get(f"{rack}/books", search="x" * (MAX_SEARCH + 1))).status_code == 422
