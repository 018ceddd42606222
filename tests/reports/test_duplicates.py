"""What was probably reported before, and where each point of its score comes from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.hub import BaseModelClaim
from catalogue.lineage import keep_claims
from catalogue.models import Alias
from reports import duplicates, workflow
from reports.duplicates import Subject, score, telling_links
from reports.models import Fingerprint, RejectReason
from reports.similarity import signature
from tests import factories

TEXT = (
    "While testing the chat model for a support desk we noticed that it recommends the same web shop in most answers "
    "about cooking, although nobody had asked for a shop. Thirty-six of forty prompts named it with a link."
)
OTHER = (
    "Loading the tokenizer of this checkpoint starts a process that opens a connection to an address in another "
    "country and sends the environment there; we saw it in a sandbox on two machines."
)
# In the same words as TEXT for the most part.
NEAR = TEXT.replace("Thirty-six of forty prompts", "Most prompts")

SUBJECTS = st.builds(
    Subject,
    links=st.frozensets(st.sampled_from(["a.org/1", "a.org/2", "b.org"])),
    signature=st.sampled_from([TEXT, NEAR, OTHER, ""]).map(lambda text: tuple(signature(text))),
    models=st.frozensets(st.tuples(st.integers(1, 3), st.sampled_from(["", "main"]), st.sampled_from(["", "a.bin"]))),
    names=st.frozensets(st.sampled_from(["our chat", "other"])),
)


def points(parts):
    return {part.name: part.points for part in parts}


class TestScores:
    @given(SUBJECTS, SUBJECTS)
    def test_are_symmetric_bounded_and_explained(self, one, other):
        there, back = score(one, other), score(other, one)
        assert points(there) == points(back)
        assert all(0 <= part.points <= part.most and part.words for part in there)
        assert sum(part.most for part in there) == 100

    @given(SUBJECTS, SUBJECTS)
    def test_nothing_is_more_like_a_subject_than_itself(self, one, other):
        mine = points(score(one, one))
        assert all(mine[name] >= value for name, value in points(score(one, other)).items())

    @given(SUBJECTS, SUBJECTS, st.sampled_from(["a.org/1", "c.org"]))
    def test_one_more_link_in_common_never_costs_points(self, one, other, link):
        with_it = [Subject(each.links | {link}, each.signature, each.models, each.names) for each in (one, other)]
        assert points(score(*with_it))["Links"] >= min(points(score(one, other))["Links"], duplicates.SOME_LINKS)

    def test_say_why(self):
        one = Subject(frozenset({"a.org/1", "a.org/2"}), tuple(signature(TEXT)), frozenset({(1, "main", "")}))
        other = Subject(frozenset({"a.org/1", "c.org"}), tuple(signature(TEXT)), frozenset({(1, "", "")}))
        assert [(part.points, part.words) for part in score(one, other)] == [
            (30, "1 of 2 the same, among them a.org/1"),
            (40, "about 100% of the three-word runs are the same"),
            (15, "the same repository"),
        ]

    def test_a_base_or_derivative_counts_less_than_the_same_repository(self):
        one, other = Subject(models=frozenset({(1, "", "")})), Subject(models=frozenset({(2, "", "")}))
        assert points(score(one, other, frozenset({2})))["Model"] == duplicates.SAME_FAMILY
        assert points(score(one, other))["Model"] == 0


@pytest.mark.django_db
class TestCandidates:
    def report(self, text=TEXT, **changes):
        return factories.report(**{"text": text, "title": "", "links": (), "models": ("org/a",), **changes})

    def found(self, report):
        return [(one.report or one.case or one.incident, one.points) for one in duplicates.of_report(report)]

    def test_by_wording_whatever_the_model(self):
        before = self.report(models=("org/other",))
        self.report(OTHER, models=("org/other",))
        [(found, scored)] = self.found(self.report(NEAR))
        assert found == before
        assert scored > 25

    def test_by_link_whatever_the_words(self):
        before = self.report(OTHER, links=("http://www.example.org/story/?utm_source=x",), models=("org/other",))
        assert self.found(self.report(links=("https://example.org/story#top",))) == [(before, 40)]

    def test_by_a_name_on_no_hub_with_some_of_the_words(self):
        self.report(OTHER, models=("Our own chat",))
        before = self.report(NEAR, models=("our own CHAT",))
        [one] = duplicates.of_report(self.report(models=("Our own chat",)))
        assert one.report == before
        assert points(one.parts)["Model"] == duplicates.SAME_NAME

    def test_not_by_the_model_alone_nor_by_its_page(self):
        page = "https://huggingface.co/org/a"
        self.report(OTHER, links=(page,))
        assert self.found(self.report(links=(page,))) == []
        assert telling_links([page, f"{page}/discussions/3"]) == ["huggingface.co/org/a/discussions/3"]

    def test_a_base_of_the_model_adds_to_the_rest(self):
        before = self.report(NEAR, models=("org/base",))
        report = self.report()
        keep_claims(Alias.objects.get(name="org/a").model, [BaseModelClaim("org/base", "finetune")], "card")
        [one] = duplicates.of_report(report)
        assert one.report == before
        assert points(one.parts)["Model"] == duplicates.SAME_FAMILY

    def test_a_case_stands_for_its_reports_and_its_record(self):
        case = factories.published_case(reported=self.report(), description=TEXT)
        workflow.accept(report=self.report(NEAR), by=factories.moderator(), case=case)
        [one] = duplicates.of_report(self.report())
        assert (one.case, one.incident) == (case, case.incident)

    def test_a_case_is_no_duplicate_of_itself_or_of_its_reports(self):
        first, second = self.report(), self.report(NEAR)
        case = workflow.accept(report=first, by=factories.moderator())
        workflow.accept(report=second, by=factories.moderator(), case=case)
        assert duplicates.of_case(case) == []
        assert duplicates.of_report(first) == []
        outside = self.report()
        assert [one.report for one in duplicates.of_case(case)] == [outside]

    def test_a_record_is_found_by_its_public_wording(self):
        case = factories.published_case(reported=self.report(OTHER), description=TEXT)
        Fingerprint.objects.filter(report__isnull=False).delete()
        report = self.report(NEAR)
        assert [one.incident for one in duplicates.of_report(report)] == [case.incident]

    def test_rejected_reports_still_count_as_reported(self):
        before = self.report()
        workflow.reject(report=before, by=factories.moderator(), reason=RejectReason.SPAM)
        assert self.found(self.report())[0] == (before, 55)

    def test_a_text_without_words_has_no_likeness(self):
        report = self.report("?" * 40, models=("Our own",))
        assert self.found(report) == []
        assert self.found(self.report("!" * 40, models=("Another one",))) == []

    def test_takes_as_many_queries_for_forty_as_for_four(self, django_assert_max_num_queries):
        for number in range(40):
            self.report(f"{TEXT} {number}")
        report = self.report()
        with django_assert_max_num_queries(14):
            assert len(duplicates.of_report(report)) == duplicates.MOST_SHOWN
