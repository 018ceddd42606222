"""The OpenAPI document."""

import jsonschema
import pytest
from django.test import Client

from api import urls


@pytest.fixture(scope="module")
def document():
    return Client().get("/api/schema").json()


def test_it_is_openapi_3_1_and_describes_every_endpoint(document):
    assert document["openapi"].startswith("3.1")
    described = set(document["paths"])
    for pattern in urls.urlpatterns:
        route = str(pattern.pattern)
        if route.startswith("v1/"):
            expected = "/api/" + route.replace("<str:", "{").replace("<path:", "{").replace(">", "}")
            assert expected in described


def test_every_operation_has_an_id_a_tag_and_a_text(document):
    ids = [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if operation["tags"] and operation["description"]
    ]
    assert len(ids) == len(set(ids)) == sum(len(path) for path in document["paths"].values())


def test_its_schemas_are_json_schemas_and_every_reference_resolves(document):
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)

    def references(value):
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for inner in value.values():
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas
