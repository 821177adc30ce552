"""A document lists the words of its installation, and its examples use no others."""

from typing import Any

from insula.http.openapi.vocabularies import Vocabularies, list_words
from insula.http.responses.vocabulary import Vocabulary, named_by, word_of

WORDS: Vocabularies = {
    Vocabulary.PERMISSIONS: ["deed:read", "deed:sign"],
    Vocabulary.KEY_ACTIONS: ["deed:read"],
    Vocabulary.COUNTED: ["tickets", "version", "open_tickets"],
}


def document(schema: dict[str, Any]) -> dict[str, Any]:
    made = {"components": {"schemas": {"Role": schema, "Roles": {"properties": {"roles": several("Role")}}}}}
    list_words(made, WORDS)
    return made


def several(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


def of_words(*examples: object, **array: object) -> dict[str, Any]:
    words = {"type": "array", "items": word_of(Vocabulary.PERMISSIONS), **array}
    return {"type": "object", "properties": {"may": words}, "examples": list(examples)}


def test_a_vocabulary_becomes_an_enum_of_its_words() -> None:
    role = document(of_words())["components"]["schemas"]["Role"]
    assert role["properties"]["may"]["items"] == {"type": "string", "enum": ["deed:read", "deed:sign"]}


def test_an_example_keeps_only_known_words() -> None:
    schema = document(of_words({"may": ["deed:sign", "x"], "name": "N"}, {"may": ["book:read"]}))
    assert schema["components"]["schemas"]["Role"]["examples"] == [
        {"may": ["deed:sign"], "name": "N"},
        {"may": []},
    ]


def test_an_example_that_requires_a_word_gets_a_known_one() -> None:
    schema = document(of_words({"may": ["book:read"]}, minItems=1))
    assert schema["components"]["schemas"]["Role"]["examples"] == [{"may": ["deed:read"]}]


def test_examples_with_an_unknown_word_are_left_out_of_a_list() -> None:
    one = {"type": "object", "properties": {"may": word_of(Vocabulary.KEY_ACTIONS)}}
    all_of_them = {
        "properties": {"deeds": several("Deed")},
        "examples": [{"deeds": [{"may": "x"}, {"may": "deed:read"}]}],
    }
    made: dict[str, Any] = {"components": {"schemas": {"Deed": one, "Deeds": all_of_them}}}
    list_words(made, WORDS)
    assert made["components"]["schemas"]["Deeds"]["examples"] == [{"deeds": [{"may": "deed:read"}]}]


def counts(*examples: dict[str, object]) -> dict[str, Any]:
    further = {"type": "integer", "minimum": 0, **named_by(Vocabulary.COUNTED)}
    return {
        "type": "object",
        "properties": {"name": {"type": "string"}, "version": {"type": "integer"}},
        "required": ["name"],
        "additionalProperties": further,
        "examples": list(examples),
    }


def test_fields_that_a_vocabulary_names_are_required_properties() -> None:
    schema = document(counts())["components"]["schemas"]["Role"]
    assert schema["properties"] == {
        "name": {"type": "string"},
        "version": {"type": "integer"},
        "tickets": {"type": "integer", "minimum": 0, "title": "Tickets"},
        "open_tickets": {"type": "integer", "minimum": 0, "title": "Open Tickets"},
    }
    assert schema["required"] == ["name", "tickets", "open_tickets"]
    assert "additionalProperties" not in schema


def test_an_example_has_only_the_fields_of_the_vocabulary() -> None:
    schema = document(counts({"name": "N", "tickets": 3, "items": 7}, {"name": "N", "items": 7}, {"name": "N"}))
    assert schema["components"]["schemas"]["Role"]["examples"] == [
        {"name": "N", "tickets": 3, "open_tickets": 3},
        {"name": "N", "tickets": 7, "open_tickets": 7},
        {"name": "N"},
    ]


def test_a_vocabulary_without_words_names_no_fields() -> None:
    made: dict[str, Any] = {"components": {"schemas": {"Detail": counts({"name": "N", "items": 7})}}}
    list_words(made, {**WORDS, Vocabulary.COUNTED: []})
    detail = made["components"]["schemas"]["Detail"]
    assert (detail["required"], detail["examples"]) == (["name"], [{"name": "N"}])
    assert "additionalProperties" not in detail
