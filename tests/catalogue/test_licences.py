"""The table of licences: what it says, how names lead to it, and when an upstream licence is stricter."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.licences import (
    Restriction,
    _names,
    _normal,
    find_licence,
    is_stricter,
    licences,
    osi_approved,
    read_claims,
    restrictions,
)

PUBLIC_TABLE = Path(__file__).parents[3] / "shared" / "data" / "hubs" / "hf_license_to_spdx.json"
# The public table leaves families open; these have one answer for every member.
ANSWERED_FAMILIES = {"openrail": False, "cc": False, "gfdl": False, "lgpl": True}


@pytest.mark.skipif(not PUBLIC_TABLE.exists(), reason="needs the Hub's list of licences")
def test_agrees_with_the_hub_and_the_spdx_list_but_for_families():
    listed = json.loads(PUBLIC_TABLE.read_text("utf-8"))
    assert len(listed) == 83
    for key, row in listed.items():
        licence = licences()[key]
        assert licence.spdx == row["spdx"]
        assert licence.osi_approved is ANSWERED_FAMILIES.get(key, row["osi_approved"])


def test_an_osi_approved_licence_restricts_nothing():
    assert all(licence.restricts == frozenset() for licence in licences().values() if licence.osi_approved)


def test_no_name_leads_to_two_licences():
    names = [(_normal(name), licence.id) for licence in licences().values() for name in _names(licence)]
    assert all(normal for normal, _ in names)
    assert [name for name, n in Counter(normal for normal, _ in set(names)).items() if n > 1] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apache-2.0", "apache-2.0"),
        ("Apache-2.0", "apache-2.0"),
        ("Apache License 2.0", "apache-2.0"),
        ("Apache 2.0", "apache-2.0"),
        ("The MIT License", "mit"),
        ("BSD-3", "bsd-3-clause"),
        ("CC BY-SA 4.0", "cc-by-sa-4.0"),
        ("Creative Commons Attribution Non Commercial 4.0", "cc-by-nc-4.0"),
        ("AGPL-3.0-only", "agpl-3.0"),
        ("openrail", "openrail"),
        ("openrail++", "openrail++"),
        ("Llama 3.1 Community License", "llama3.1"),
        ("Meta Llama 3 Community License Agreement", "llama3"),
        ("Gemma Terms of Use", "gemma"),
        ("arXiv.org perpetual non-exclusive license 1.0", "arxiv-nonexclusive"),
        ("unlicense", "unlicense"),
    ],
)
def test_reads_ids_and_names(text, expected):
    assert find_licence(text).id == expected


@pytest.mark.parametrize(
    "text", ["", "license", "unlicensed", "my own", "Apache", "mit, apache-2.0", "GPL-2.0-or-later"]
)
def test_does_not_guess(text):
    assert find_licence(text) is None


@given(st.text())
def test_any_text_can_be_looked_up(text):
    find_licence(text)
    read_claims(text)


@pytest.mark.parametrize(
    ("claim", "approved", "restricted"),
    [
        ("mit", True, set()),
        ("mit, apache-2.0", True, set()),
        ("mit, cc-by-nc-4.0", None, {Restriction.COMMERCIAL}),
        ("mit, my-own", None, None),
        ("cc-by-4.0", False, set()),
        ("llama3, cc-by-nc-nd-4.0", False, set(Restriction) - {Restriction.REDISTRIBUTION}),
        ("unknown", None, None),
        ("other", None, None),
        ("other: flux-1-dev-non-commercial-license", False, {Restriction.COMMERCIAL}),
        ("other: apache-2.0", None, None),
        ("other: acme", None, None),
        ("", None, None),
    ],
)
def test_claims(claim, approved, restricted):
    claims = read_claims(claim)
    assert osi_approved(claims) is approved
    assert restrictions(claims) == (None if restricted is None else frozenset(restricted))


@pytest.mark.parametrize(
    ("base", "child", "expected"),
    [
        ("llama3", "apache-2.0", True),
        ("cc-by-nc-4.0", "mit", True),
        ("cc-by-nc-4.0", "gemma", True),
        ("other: qwen-research", "apache-2.0", True),
        ("apache-2.0", "mit", False),
        ("gpl-3.0", "mit", False),
        ("cc-by-sa-4.0", "mit", False),
        ("apache-2.0", "llama3", False),
        ("llama3", "llama3", False),
        ("llama3", "gemma", None),
        ("llama3", "", None),
        ("llama3", "other", None),
        ("", "mit", None),
        ("cc", "mit", None),
        ("other: acme", "mit", None),
    ],
)
def test_stricter_upstream_only_where_that_is_certain(base, child, expected):
    assert is_stricter(read_claims(base), read_claims(child)) is expected
