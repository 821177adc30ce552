"""Fault 59: storing, comparing, searching, sorting, paging and mailing treat each kind of text consistently."""

# ruff: noqa: RUF001 - this tests letters of other scripts

from typing import Any

import httpx
import pytest

from insula.core.text.collation import sort_key
from tests.support.app import SignIn
from tests.support.emails import emails_to
from tests.support.factories import Factories
from tests.tenants.support import Caller, Readback, code_of, joined

# The sent text, the stored text, equal names, and searches that find it.
KINDS = [
    pytest.param("Cafe\u0301", "Café", ["Café", "Cafe\u0301", "Cafe\u200d\u0301"], ["CAFE\u0301", "fé"], id="NFD"),
    pytest.param("Foo\u200b Bar\ufeff", "Foo Bar", ["Foo\u00a0Bar", "Foo\u2003 Bar"], ["foo\u00a0bar"], id="invisible"),
    pytest.param("می‌خواهم", "می‌خواهم", ["می‌خواهم\u200c"], ["می‌خ"], id="a Persian non-joiner"),
    pytest.param("क्‍ष", "क्‍ष", ["क्‍ष\u200d"], ["क्‍ष"], id="an Indic joiner"),
    pytest.param("Team 👩‍💻", "Team 👩‍💻", ["Team 👩‍💻\u200d"], ["👩‍💻"], id="an emoji of several"),
    pytest.param("Flag 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "Flag 🏴󠁧󠁢󠁥󠁮󠁧󠁿", ["Flag  🏴󠁧󠁢󠁥󠁮󠁧󠁿"], ["🏴󠁧󠁢󠁥󠁮󠁧󠁿"], id="a flag of tags"),
    pytest.param("İstanbul", "İstanbul", ["I\u0307stanbul"], ["istanbul", "ISTANBUL", "ıstanbul"], id="a Turkish i"),
    pytest.param("Σίσυφος", "Σίσυφος", ["Σι\u0301συφος"], ["ΣΊΣΥΦΟΣ", "σίσυφοσ"], id="a final sigma"),
    pytest.param("Hauptstraße", "Hauptstraße", [" Hauptstraße "], ["STRASSE", "strasse", "STRAẞE"], id="a sharp s"),
    pytest.param("\u0410cme", "\u0410cme", ["\u0410cme\u200e"], ["\u0430CME"], id="a look-alike of another script"),
    pytest.param("日本　語", "日本 語", ["日本 語"], ["本　語"], id="an ideographic space"),
]
REFUSED = [
    *("\u3164", "\u115f\u1160", "\u2800", "\u200b\u2060", "\u0301", " \u3000"),
    *("a\u202eb", "a\u2066b", "a\u2069b", "a\nb", "a\u3164b", "a" + "\u0301" * 31, "x" * 121),
]


@pytest.fixture
async def owner(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    return await joined(client, make, sign_in, await make.tenant(plan="pro"))


@pytest.mark.parametrize(("written", "kept", "same", "searches"), KINDS)
async def test_one_text_is_stored_compared_searched_sorted_paged_and_mailed_alike(
    owner: Caller, readback: Readback, written: str, kept: str, same: list[str], searches: list[str]
) -> None:
    made = await owner.post("/racks", {"name": written, "description": written})
    assert (made.status_code, made.json()["name"]) == (201, kept)
    [row] = await readback("select name, name_key from rack where tenant_id = :id", id=owner.home.id)
    assert row == {"name": kept, "name_key": sort_key(kept)}

    for other in same:
        assert code_of(await owner.post("/racks", {"name": other})) == (409, "rack_name_taken")

    await owner.rack("Acme")
    for search in (kept, written, *same, *searches):
        assert [found["name"] for found in await owner.walk("/racks", limit=5, search=search.strip())] == [kept]

    await owner.rack("ß")
    expected = sorted([kept, "Acme", "ß"], key=sort_key)
    for sort_by, names in (("name", expected), ("-name", expected[::-1])):
        listed = await owner.walk("/racks", limit=1, sort_by=sort_by)
        assert [rack["name"] for rack in listed] == names

    assert (await owner.patch("/me", {"name": written})).json()["name"] == kept
    await owner.post("/invitations", {"email": f"{owner.home.id.hex}@example.com", "role": "member"})
    [mail] = await emails_to(readback, f"{owner.home.id.hex}@example.com")
    assert mail.context["inviter"] == kept


@pytest.mark.parametrize("name", REFUSED, ids=lambda name: ascii(name[:8]))
async def test_invisible_characters_and_direction_controls_are_refused_everywhere(owner: Caller, name: str) -> None:
    rack = await owner.rack("Seen")
    title = name * 2 if len(name) > 100 else name
    answers = {
        "rack": await owner.post("/racks", {"name": name}),
        "renamed": await owner.patch(rack, {"name": name}),
        "book": await owner.post(f"{rack}/books", {"title": title}),
        "many": await owner.post(f"{rack}/books/bulk", {"items": [{"title": title}]}),
        "key": await owner.post("/api-keys", {"name": name, "actions": ["rack:read"]}),
        "role": await owner.post("/roles", {"key": "seen", "name": name, "permissions": ["rack:read"]}),
        "tenant": await owner.patch("/tenant", {"name": name}),
        "me": await owner.patch("/me", {"name": name}),
    }
    assert {where: answer.status_code for where, answer in answers.items()} == dict.fromkeys(answers, 422)
    assert (await owner.patch(rack, {"name": "Seen \U0001f440"})).status_code == 200


async def test_every_list_by_name_is_in_the_order_that_people_expect(owner: Caller, make: Factories) -> None:
    names = ["", "apfel", "Apfel", "äpfel", "Arger", "Ärger", "cote", "côté", "Zebra", "ñ", "иван", "Иван", "日本"]
    expected = sorted(names[1:], key=sort_key)
    assert expected[:6] == ["apfel", "Apfel", "äpfel", "Arger", "Ärger", "cote"]
    rack = await owner.rack("aaa")
    for name in reversed(expected):
        await owner.rack(name)
        await owner.book(rack, name)
        await owner.post("/api-keys", {"name": name, "actions": ["rack:read"]})
        await make.member(owner.home, user=await make.user(name=name))

    async def listed(path: str, sort_by: str, **params: Any) -> list[str]:
        field = sort_by.removeprefix("-")
        found = [row[field] for row in await owner.walk(path, limit=5, sort_by=sort_by, **params)]
        return [name for name in found if name in expected]

    for path, field in (
        ("/racks", "name"),
        (f"{rack}/books", "title"),
        ("/api-keys", "name"),
        ("/members", "name"),
    ):
        assert await listed(path, field) == expected
        assert await listed(path, f"-{field}") == expected[::-1]


async def test_a_renamed_row_and_bulk_rows_are_sorted_by_name(owner: Caller) -> None:
    rack = await owner.rack("Ä")
    await owner.rack("b")
    await owner.patch(rack, {"name": "Zürich"})
    assert [row["name"] for row in await owner.walk("/racks", limit=1, sort_by="name")] == ["b", "Zürich"]
    await owner.post(f"{rack}/books/bulk", {"items": [{"title": title} for title in ("z", "ä", "B", "a")]})
    titles = [row["title"] for row in await owner.walk(f"{rack}/books", limit=1, sort_by="title")]
    assert titles == ["a", "ä", "B", "z"]
