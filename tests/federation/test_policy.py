"""What is taken over from a peer by itself, and when an operator must look."""

import pytest

from federation.policy import MODERATE, PUBLISH, REJECT, Policy, is_mass_withdrawal, rule


@pytest.mark.parametrize(
    ("withdrawn", "shown", "held"),
    [(20, 20, False), (21, 20, True), (21, 1049, True), (21, 1050, False), (30, 1500, False), (31, 1500, True)],
)
def test_more_than_twenty_and_two_per_cent_are_held(withdrawn, shown, held):
    assert is_mass_withdrawal(withdrawn, shown) is held


def test_the_nearest_category_decides_and_the_licence_before_it():
    policy = Policy(MODERATE, {"misuse": REJECT, "misuse.cybercrime": PUBLISH}, frozenset({"CC-BY-4.0"}))
    assert rule(policy, "bias", "CC-BY-4.0").acceptance == MODERATE
    assert rule(policy, "misuse", "CC-BY-4.0").acceptance == REJECT
    assert rule(policy, "misuse.phishing", "CC-BY-4.0").reason == "records of the category misuse are rejected"
    assert rule(policy, "misuse.cybercrime", "CC-BY-4.0").acceptance == PUBLISH
    assert rule(policy, "misuse.cybercrime.ransom", "CC-BY-4.0").acceptance == PUBLISH
    assert rule(policy, "bias", "CC-BY-NC-4.0").reason == "its licence is CC-BY-NC-4.0"
