"""What sorts reports and slows floods: proof of work, limits, scores."""

import base64
import json
import random
from datetime import timedelta

import pytest
import redis
from altcha import Challenge, Payload, solve_challenge
from hypothesis import given
from hypothesis import strategies as st

import lib.limits
from lib.network import UNKNOWN, network_of
from lib.store import key, store
from reports import abuse, receipts, workflow
from reports.abuse import Facts, Proof, limits, proof, repeats, wording
from reports.models import RejectReason, Report
from tests import factories

HOME = "192.0.2.0/24"
PLAIN = factories.submission().text


def solved(network=HOME):
    """A payload as a browser sends it."""
    challenge = Challenge.from_dict(proof.new_challenge(network))
    return Payload(challenge, solve_challenge(challenge)).to_base64()


def tampered(payload, **changes):
    """The payload with other parameters of its challenge."""
    document = json.loads(base64.b64decode(payload))
    document["challenge"]["parameters"] |= changes
    return base64.b64encode(json.dumps(document).encode()).decode()


@pytest.fixture
def redis_gone(monkeypatch):
    """A Redis that does not answer."""

    def away():
        return redis.Redis.from_url("redis://127.0.0.1:9/0", socket_connect_timeout=1)

    lib.limits.forget()
    for module in ("lib.limits", "reports.abuse.proof"):
        monkeypatch.setattr(f"{module}.store", away)
    yield
    lib.limits.forget()


class TestProofOfWork:
    def test_a_solved_challenge_counts_once(self):
        payload = solved()
        assert proof.check(payload) is Proof.GIVEN
        assert proof.check(payload) is Proof.REPLAYED

    def test_nobody_else_s_challenge_counts_nor_one_made_easier_or_kept_too_long(self, monkeypatch, settings):
        payload = solved()
        assert proof.check(tampered(payload, cost=1)) is Proof.REFUSED
        assert proof.check(tampered(payload, expiresAt=2**40)) is Proof.REFUSED
        assert proof.check(tampered(payload, data={"for": "something else"})) is Proof.REFUSED
        monkeypatch.setattr(proof, "ALIVE_SECONDS", -1)
        assert proof.check(solved()) is Proof.REFUSED
        settings.SECRET_KEY = "another node's"
        assert proof.check(payload) is Proof.REFUSED

    def test_an_unsolved_challenge_does_not_count(self):
        document = json.loads(base64.b64decode(solved()))
        document["solution"]["counter"] += 1
        assert proof.check(base64.b64encode(json.dumps(document).encode()).decode()) is Proof.REFUSED

    @given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda raw: base64.b64encode(raw).decode())))
    def test_nonsense_is_refused_and_no_error(self, sent):
        assert proof.check(sent) is (Proof.REFUSED if sent else Proof.MISSING)

    def test_a_network_that_asks_for_many_pays_more(self):
        cost = proof.new_challenge(HOME)["parameters"]["cost"]
        for _ in range(25):
            limits.take(limits.CHALLENGE, HOME)
        assert proof.new_challenge(HOME)["parameters"]["cost"] == 4 * cost
        assert proof.new_challenge("198.51.100.0/24")["parameters"]["cost"] == cost

    @pytest.mark.usefixtures("redis_gone")
    def test_without_redis_a_proof_is_believed(self):
        assert proof.check(solved()) is Proof.UNCHECKED


class TestLimits:
    def test_a_network_has_a_budget_of_its_own(self):
        calls = limits.LIMITS[limits.RECEIPT].each.quota
        assert [limits.take(limits.RECEIPT, HOME) for _ in range(calls)] == [0] * calls
        assert 0 < limits.take(limits.RECEIPT, HOME) <= 600
        assert limits.take(limits.RECEIPT, "198.51.100.0/24") == 0
        limits.give_back(limits.RECEIPT, HOME)
        assert limits.take(limits.RECEIPT, HOME) == 0

    def test_all_together_have_one_too_and_a_refusal_takes_from_neither(self, monkeypatch):
        few = limits.Limits(each=limits.Limit(3, 60), everybody=limits.Limit(5, 60))
        monkeypatch.setitem(limits.LIMITS, limits.RECEIPT, few)
        networks = [f"10.{number}.0.0/24" for number in range(10)]
        assert sum(limits.take(limits.RECEIPT, one) == 0 for one in networks) == 5
        assert limits.used(limits.RECEIPT, networks[9]) == 0

    def test_redis_learns_no_address_and_the_salt_is_gone_in_a_day(self):
        lib.limits.forget()
        limits.take(limits.SUBMIT, HOME)
        names = list(store().scan_iter(key("*")))
        assert names
        assert not any("192.0" in name for name in names)
        (salt,) = [name for name in names if ":salt:" in name]
        assert 0 < store().ttl(salt) <= 25 * 3600
        (counter,) = [name for name in names if "submit" in name]
        store().delete(salt)
        lib.limits.forget()
        limits.take(limits.SUBMIT, HOME)
        assert set(store().scan_iter(key("limit", "submit*"))) != {counter}

    @pytest.mark.usefixtures("redis_gone")
    def test_without_redis_nothing_is_limited_and_nobody_waits(self):
        assert {limits.take(limits.RECEIPT, HOME) for _ in range(100)} == {0}

    @pytest.mark.django_db
    def test_a_hundred_thousand_random_receipts_open_nothing(self):
        for _ in range(20):
            factories.report()
        stored = set(Report.objects.values_list("receipt_key", flat=True))
        guesses = {receipts.receipt_key(receipts.new_receipt()) for _ in range(100_000)}
        assert len(guesses) == 100_000
        assert not guesses & stored


class TestNetworks:
    @pytest.mark.parametrize(
        ("meta", "proxies", "network"),
        [
            ({"REMOTE_ADDR": "203.0.113.77"}, 0, "203.0.113.0/24"),
            ({"REMOTE_ADDR": "2001:db8:1:2:3::4"}, 0, "2001:db8:1::/48"),
            ({"REMOTE_ADDR": "::ffff:203.0.113.77"}, 0, "203.0.113.0/24"),
            ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "8.8.8.8"}, 0, "127.0.0.0/24"),
            ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "8.8.8.8, 203.0.113.77"}, 1, "203.0.113.0/24"),
            ({"REMOTE_ADDR": "::1", "HTTP_X_FORWARDED_FOR": "8.8.8.8, 203.0.113.77, 10.0.0.1"}, 2, "203.0.113.0/24"),
            ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.77"}, 2, "127.0.0.0/24"),
            ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "[2001:db8::1]:443"}, 1, "2001:db8::/48"),
            ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "203.0.113.77:5000"}, 1, "203.0.113.0/24"),
            ({"REMOTE_ADDR": "fe80::1%eth0"}, 0, "fe80::/48"),
            ({"REMOTE_ADDR": ""}, 0, UNKNOWN),
            ({"HTTP_X_FORWARDED_FOR": "garbage"}, 1, UNKNOWN),
        ],
    )
    def test_the_network_is_what_our_own_proxies_saw(self, meta, proxies, network):
        assert network_of(meta, proxies=proxies) == network

    @given(st.text(max_size=60), st.text(max_size=60), st.integers(0, 3))
    def test_no_header_is_ever_an_error(self, address, forwarded, proxies):
        assert network_of({"REMOTE_ADDR": address, "HTTP_X_FORWARDED_FOR": forwarded}, proxies=proxies)


class TestWording:
    @pytest.mark.parametrize(
        ("text", "sign"),
        [
            ("aaaa aaaa aaaa aaaa aaaa aaaa aaaa aaaa", "repeats a few"),
            ("Buy http://a.example/" + "x" * 80 + " now", "Most of its text is links"),
            ("See " + " ".join(f"https://example.org/{n}" for n in range(9)) + " and think about it all", "9 links"),
            (" ".join("".join(random.Random(n).choices("bcdfgxzqkvjw", k=6)) for n in range(40)), "no language"),
        ],
    )
    def test_what_spam_reads_like(self, text, sign):
        assert any(sign in reason for _points, reason in wording.signs(text))

    @pytest.mark.parametrize(
        "text",
        [
            PLAIN,
            (
                "Das Modell nennt in neun von zehn Antworten denselben Laden, auch wenn niemand danach fragt."
                " Ich habe es mit drei Rezepten und zwei Sprachen versucht, und jedes Mal war das Ergebnis gleich."
            ),
            "このモデルは料理について尋ねると十回中九回同じ店の名前を挙げます。誰も尋ねていないのに店の名前が出てきます。",
            "Le modèle cite la même boutique dans presque toutes les réponses, sans que personne ne la demande jamais.",
        ],
    )
    def test_plain_reports_in_any_script_show_no_sign(self, text):
        assert wording.signs(text, ["https://example.org/evidence"]) == []


class TestRepeats:
    def test_texts_that_say_nearly_the_same_are_close_and_others_are_not(self):
        text = (
            PLAIN + " It does so in English and in German, with every prompt I tried over three days, at temperature 0."
        )
        assert repeats.simhash(text) == repeats.simhash(text.upper())
        assert repeats.distance(repeats.simhash(text), repeats.simhash(text + " Really.")) < 16
        other = "The weights hold a pickle that opens a shell when the tokenizer is loaded with trust_remote_code."
        assert repeats.distance(repeats.simhash(text), repeats.simhash(other)) > 16

    @given(st.text(max_size=300))
    def test_every_text_has_a_hash_that_the_database_can_hold(self, text):
        assert -(2**63) <= repeats.simhash(text) < 2**63

    @pytest.mark.django_db
    def test_a_repeated_text_names_what_it_repeats_and_spam_weighs_more(self):
        first = factories.report()
        ((points, reason),) = repeats.signs(PLAIN)
        assert f": {first.pk}." in reason
        workflow.reject(report=first, by=factories.moderator(), reason=RejectReason.SPAM)
        ((more, reason),) = repeats.signs(PLAIN)
        assert more > points
        assert "rejected as spam" in reason
        Report.objects.update(submitted_at=first.submitted_at - timedelta(days=8))
        assert repeats.signs(PLAIN) == []


@pytest.mark.django_db
class TestJudgement:
    def test_a_plain_report_with_a_proof_is_not_suspect(self):
        assert abuse.judge(Facts(Proof.GIVEN, seconds=60, answered=False), factories.submission()).score == 0

    def test_a_person_without_javascript_is_not_suspect(self):
        for answered in (True, False):
            facts = Facts(Proof.MISSING, seconds=60, answered=answered)
            assert not abuse.judge(facts, factories.submission()).suspected

    @pytest.mark.parametrize(
        "facts",
        [Facts(Proof.GIVEN, honeypot=True), Facts(Proof.GIVEN, seconds=1), Facts(Proof.REPLAYED, answered=False)],
    )
    def test_a_trapped_or_replayed_report_is_suspect_and_stored_with_the_reasons(self, facts):
        suspicion = abuse.judge(facts, factories.submission())
        report = workflow.submit(submission=factories.submission(), source="form", suspicion=suspicion).report
        assert report.suspected_spam
        assert report.spam_reasons
        assert report.state == "received"

    def test_a_score_never_passes_a_hundred(self):
        facts = Facts(Proof.REPLAYED, honeypot=True, seconds=0, answered=False)
        assert abuse.judge(facts, factories.submission(text="http://a.example/ " * 40)).score == 100
