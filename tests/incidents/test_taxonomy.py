"""The taxonomy files: well formed, and every reference between them leads somewhere."""

import json
import re
from collections import Counter

import pytest

from incidents.taxonomy import FOLDER, OWN, Taxonomy, Term, category_codes, taxonomies, with_descendants

IDS = {"avid-sep", "faultline", "mit-risk", "mitre-atlas", "oecd-harm"}
OTHERS = sorted(IDS - {OWN})
OWN_TERMS = taxonomies()[OWN].terms

TOP_CODES = [
    "misuse",
    "backdoor",
    "data_poisoning",
    "adversarial_attack",
    "security_vulnerability",
    "bias",
    "privacy_leak",
    "misinformation",
    "unsafe_content",
    "censorship",
    "hidden_promotion",
    "intellectual_property",
    "loss_of_control",
    "openness_misrepresented",
]
CHILDREN = {
    "misuse": ["cybercrime", "phishing", "deepfake", "weaponisation", "fraud", "harassment"],
    "backdoor": ["trigger", "malicious_file"],
}

# Own terms that may lack any crosswalk, each with its reason. None does today.
WITHOUT_CROSSWALK: dict[str, str] = {}


def repeated(values: list[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def test_every_file_is_loaded_under_the_id_it_is_named_for():
    paths = sorted(FOLDER.glob("*.json"))
    assert {path.stem for path in paths} == IDS
    assert set(taxonomies()) == IDS
    for path in paths:
        assert json.loads(path.read_text("utf-8"))["id"] == path.stem


@pytest.mark.parametrize("taxonomy", taxonomies().values(), ids=lambda taxonomy: taxonomy.id)
class TestEveryTaxonomy:
    def test_states_where_it_comes_from(self, taxonomy: Taxonomy):
        assert taxonomy.title.strip()
        assert taxonomy.version.strip()
        assert taxonomy.licence.strip()
        assert taxonomy.url.startswith(("https://", f"/api/v1/taxonomies/{OWN}"))
        assert taxonomy.terms

    def test_has_unique_codes_and_titles(self, taxonomy: Taxonomy):
        assert repeated([term.code for term in taxonomy.terms]) == []
        assert repeated([term.title.casefold() for term in taxonomy.terms]) == []

    def test_texts_have_no_stray_spaces(self, taxonomy: Taxonomy):
        for term in taxonomy.terms:
            for text in (term.code, term.title, term.parent, term.definition, term.example):
                assert text == " ".join(text.split()), term.code
            assert term.title, term.code

    def test_parents_exist_and_are_at_the_top(self, taxonomy: Taxonomy):
        for term in taxonomy.terms:
            if term.parent:
                parent = taxonomy.term(term.parent)
                assert parent is not None, term.code
                assert parent.parent == "", term.code

    def test_tree_holds_every_term_once(self, taxonomy: Taxonomy):
        shown = [term.code for top, children in taxonomy.tree() for term in (top, *children)]
        assert sorted(shown) == sorted(term.code for term in taxonomy.terms)

    def test_finds_terms_by_code(self, taxonomy: Taxonomy):
        first = taxonomy.terms[0]
        assert taxonomy.term(first.code) is first
        assert taxonomy.term("no such code") is None


@pytest.mark.parametrize(
    ("taxonomy", "pattern"),
    [
        ("avid-sep", r"[SEP]0\d{3}"),
        ("mitre-atlas", r"AML\.(TA\d{4}|T\d{4}(\.\d{3})?)"),
        ("mit-risk", r"[1-7](\.[1-6])?"),
        ("oecd-harm", r"[a-z]+(-[a-z]+)*"),
        ("faultline", r"[a-z]+(_[a-z]+)*(\.[a-z]+(_[a-z]+)*)?"),
    ],
)
def test_codes_have_their_taxonomys_form(taxonomy: str, pattern: str):
    for term in taxonomies()[taxonomy].terms:
        assert re.fullmatch(pattern, term.code), term.code


@pytest.mark.parametrize("taxonomy", ["avid-sep", "mitre-atlas", "mit-risk", "faultline"])
def test_parent_is_the_one_the_code_names(taxonomy: str):
    for term in taxonomies()[taxonomy].terms:
        expected = term.code.rpartition(".")[0]
        if taxonomy == "avid-sep":
            expected = "" if term.code.endswith("00") else term.code[:3] + "00"
        elif expected == "AML":
            expected = ""
        assert term.parent == expected, term.code


def test_mit_list_is_whole():
    tree = taxonomies()["mit-risk"].tree()
    assert len(tree) == 7
    assert [len(children) for _, children in tree] == [3, 2, 2, 3, 2, 6, 6]


@pytest.mark.parametrize("taxonomy", OTHERS)
def test_other_peoples_terms_carry_names_only(taxonomy: str):
    for term in taxonomies()[taxonomy].terms:
        assert (term.definition, term.example, term.crosswalk) == ("", "", {}), term.code


def test_own_codes_are_the_agreed_ones_in_order():
    tree = taxonomies()[OWN].tree()
    assert [top.code for top, _ in tree] == TOP_CODES
    for top, children in tree:
        assert [child.code for child in children] == [f"{top.code}.{name}" for name in CHILDREN.get(top.code, [])]


@pytest.mark.parametrize("term", OWN_TERMS, ids=lambda term: term.code)
class TestEveryOwnTerm:
    def test_is_defined_in_one_or_two_sentences(self, term: Term):
        assert term.definition.endswith(".")
        assert 1 <= len(re.findall(r"\.(?= |$)", term.definition)) <= 2

    def test_has_an_example_of_one_sentence(self, term: Term):
        assert term.example.endswith(".")
        assert len(re.findall(r"\.(?= |$)", term.example)) == 1

    def test_has_a_crosswalk_or_a_stated_reason(self, term: Term):
        assert bool(term.crosswalk) != (term.code in WITHOUT_CROSSWALK)

    def test_crosswalk_targets_exist_once_each(self, term: Term):
        for taxonomy, codes in term.crosswalk.items():
            assert taxonomy in OTHERS
            assert codes, taxonomy
            assert list(codes) == sorted(set(codes)), taxonomy
            for code in codes:
                assert taxonomies()[taxonomy].term(code) is not None, f"{taxonomy} {code}"


def test_own_definitions_and_examples_are_not_repeated():
    assert repeated([term.definition for term in OWN_TERMS]) == []
    assert repeated([term.example for term in OWN_TERMS]) == []


def test_exceptions_name_own_terms_with_a_reason():
    assert set(WITHOUT_CROSSWALK) <= category_codes()
    assert all(WITHOUT_CROSSWALK.values())


def test_category_codes_are_parents_and_children_of_our_own_taxonomy():
    assert category_codes() == {term.code for term in OWN_TERMS}
    assert {"misuse", "misuse.fraud", "openness_misrepresented"} <= category_codes()
    assert "AML.T0018" not in category_codes()


def test_with_descendants_of_a_parent_adds_its_children_only():
    assert with_descendants("backdoor") == {"backdoor", "backdoor.trigger", "backdoor.malicious_file"}


@pytest.mark.parametrize("code", ["backdoor.trigger", "bias", "unknown"])
def test_with_descendants_of_a_leaf_or_unknown_code_is_itself(code: str):
    assert with_descendants(code) == {code}


def test_files_are_laid_out_without_tabs_and_end_in_a_newline():
    for path in FOLDER.glob("*.json"):
        text = path.read_text("utf-8")
        assert text.endswith("}\n"), path.name
        assert "\t" not in text, path.name
