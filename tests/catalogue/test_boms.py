"""Bills of materials: which of their components are models, and what they derive from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.boms import MOST_COMPONENTS, UnreadableBomError, read_bom
from catalogue.hub import Reference

SHA = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "0123456789abcdef" * 4


def named(bom):
    return [
        [identity.reference or identity.digest for identity in component.identities] for component in bom.components
    ]


@pytest.mark.parametrize("version", ["1.4", "1.5", "1.6", "1.7"])
def test_cyclonedx_of_every_version_with_components_inside_components(version):
    bom = read_bom(
        {
            "bomFormat": "CycloneDX",
            "specVersion": version,
            "metadata": {"component": {"type": "application", "name": "shop", "bom-ref": "shop"}},
            "components": [
                {"type": "library", "name": "requests", "version": "2.0", "purl": "pkg:pypi/requests@2.0"},
                {
                    "type": "application",
                    "name": "service",
                    "components": [
                        {
                            "type": "machine-learning-model",
                            "bom-ref": "m",
                            "name": "bert",
                            "purl": f"pkg:huggingface/acme/bert@{SHA}",
                            "pedigree": {"ancestors": [{"type": "machine-learning-model", "name": "acme/base"}]},
                        }
                    ],
                },
            ],
        }
    )
    assert (bom.form, bom.version, bom.total) == ("CycloneDX", version, 4)
    (component,) = bom.components
    assert (component.ref, component.name) == ("m", "bert")
    assert component.identities[0].reference == Reference("huggingface", "acme/bert", SHA)
    assert [base.reference for base in component.bases] == [Reference("huggingface", "acme/base")]


def test_spdx_2_3_packages_files_and_relationships():
    bom = read_bom(
        {
            "spdxVersion": "SPDX-2.3",
            "packages": [
                {
                    "SPDXID": "SPDXRef-m",
                    "name": "bert",
                    "downloadLocation": f"git+https://huggingface.co/acme/bert@{SHA}",
                },
                {"SPDXID": "SPDXRef-b", "name": "base", "downloadLocation": "https://huggingface.co/acme/base"},
            ],
            "files": [
                {
                    "SPDXID": "SPDXRef-f",
                    "fileName": "model.bin",
                    "checksums": [{"algorithm": "SHA256", "checksumValue": DIGEST}],
                }
            ],
            "relationships": [
                {"spdxElementId": "SPDXRef-m", "relationshipType": "DESCENDANT_OF", "relatedSpdxElement": "SPDXRef-b"}
            ],
        }
    )
    assert (bom.form, bom.version) == ("SPDX", "2.3")
    assert named(bom) == [
        [Reference("huggingface", "acme/bert", SHA)],
        [Reference("huggingface", "acme/base")],
        [DIGEST],
    ]
    assert [base.reference for base in bom.components[0].bases] == [Reference("huggingface", "acme/base")]


def test_spdx_3_0_elements_and_relationships():
    bom = read_bom(
        {
            "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
            "@graph": [
                {"type": "CreationInfo", "@id": "_:c"},
                {"type": "ai_AIPackage", "spdxId": "urn:m", "name": "acme/bert", "software_packageVersion": SHA},
                {
                    "type": "ai_AIPackage",
                    "spdxId": "urn:b",
                    "name": "base",
                    "software_packageUrl": "pkg:huggingface/acme/base",
                },
                {"type": "Relationship", "relationshipType": "ancestorOf", "from": "urn:b", "to": ["urn:m"]},
            ],
        }
    )
    assert (bom.form, bom.version, bom.total) == ("SPDX", "3.0", 2)
    assert [component.ref for component in bom.components] == ["urn:m", "urn:b"]
    assert [base.reference for base in bom.components[0].bases] == [Reference("huggingface", "acme/base")]


@pytest.mark.parametrize("document", [None, [], "bom", 3, {}, {"bomFormat": "SWID"}, {"components": []}])
def test_what_is_no_bill_of_materials_is_refused(document):
    with pytest.raises(UnreadableBomError):
        read_bom(document)


def test_a_bill_with_too_many_components_is_refused():
    with pytest.raises(UnreadableBomError, match="more than"):
        read_bom({"bomFormat": "CycloneDX", "components": [{"name": "x"}] * (MOST_COMPONENTS + 1)})


def test_a_bill_of_models_within_models_within_models_ends():
    component: dict = {"name": "last"}
    for _ in range(500):
        component = {"name": "outer", "components": [component]}
    assert read_bom({"bomFormat": "CycloneDX", "components": [component]}).total < 100


_WORDS = """components packages files relationships name purl pedigree ancestors SPDXID spdxId @id type relationshipType
from to bom-ref metadata component hashes externalRefs"""
_keys = st.sampled_from(_WORDS.split())
_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(_keys, inside, max_size=6),
    max_leaves=25,
)


@given(
    st.sampled_from([{"bomFormat": "CycloneDX"}, {"spdxVersion": "SPDX-2.3"}, {}]), st.dictionaries(_keys, _anything)
)
def test_no_bill_breaks_the_reader(form, content):
    read_bom({"@graph": list(content.values())} | content | form)
