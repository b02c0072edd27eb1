"""The interface for programs says all of itself: every door, parameter, answer and refusal, each with an example."""

from jsonschema import Draft202012Validator

from pavilion.pages.openapi import PROBLEM, of_programs, undeclared
from tests.answered import operations, whole
from tests.pages import contract
from tests.pointed import found, pointers


def holds(schema, example):
    return [
        one.message
        for one in Draft202012Validator({**schema, "components": whole()["components"]}).iter_errors(example)
    ]


def routes():
    from pavilion import doors

    return [route for router in doors.ROUTERS for route in router.routes]


def test_every_door_for_programs_says_what_it_answers():
    """Declare it with `responses=answers(...)`, docs/api.md."""
    assert undeclared(routes()) == []


def test_the_copy_in_docs_is_the_document():
    """`python -m tests.pages.contract` writes it anew: a change of the interface is seen in the difference."""
    assert contract.COPY.read_text() == contract.text()


def test_the_document_is_one_of_openapi_and_every_pointer_leads_somewhere():
    assert whole()["openapi"].startswith("3.1")
    assert len(operations()) == sum(len(route.methods) for route in of_programs(routes()))
    assert all(found(whole(), pointer) is not None for pointer in pointers(whole()))
    for schema in whole()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_operation_is_described_and_has_a_name_of_its_own():
    names = [operation["operationId"] for operation in operations().values()]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in whole()["tags"]}
    short = [
        at for at, one in operations().items() if len(one["description"]) < 20 or not set(one.get("tags", [])) & tags
    ]
    assert short == []


def test_every_parameter_and_body_is_described_with_an_example_that_it_takes():
    lacking = []
    for at, operation in operations().items():
        for one in operation.get("parameters", []):
            if not one.get("description"):
                lacking.append((*at, one["name"], "no description"))
            lacking += [(*at, one["name"], fault) for fault in holds(one["schema"], one["example"])]
        for content in operation.get("requestBody", {}).get("content", {}).values():
            lacking += [(*at, "body", fault) for fault in holds(content["schema"], content["example"])]
    assert lacking == []


def test_every_answer_has_an_example_and_every_refusal_its_codes():
    lacking = []
    for at, operation in operations().items():
        assert any(status < "400" for status in operation["responses"]), at
        for status, answer in operation["responses"].items():
            for media, content in answer.get("content", {}).items():
                lacking += [(*at, status, fault) for fault in holds(content["schema"], content["example"])]
                if status >= "400":
                    assert media == PROBLEM and content["schema"]["properties"]["code"]["enum"], at
    assert lacking == []


# Known by what they are: a mail program that stops a mail knows no key, a share file is its custodian's own, a stone
# that lies in the house again cannot come back a second time.
KNOWN_OTHERWISE = {"/api/v1/notices/stop/{token}", "/api/v1/sales/{sale}/shares", "/api/v1/memos/{memo}/returns"}


def test_every_write_takes_a_key_under_which_it_is_done_once():
    writes = {at: one for at, one in operations().items() if at[1] != "get" and at[0] not in KNOWN_OTHERWISE}
    named = {at: [p["name"] for p in one.get("parameters", [])] for at, one in writes.items()}
    assert [at for at, names in named.items() if "idempotency-key" not in names] == []
    assert [at for at, one in writes.items() if "409" not in one["responses"]] == []
