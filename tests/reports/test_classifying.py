"""A curator of taxonomies classifies cases, sees their wording alone, and does nothing else."""

import pytest

from accounts.models import Role
from reports import classifying, release
from reports.actors import NotAllowedError, WrongStateError
from reports.models import Activity
from tests import factories

pytestmark = pytest.mark.django_db

TERM, OTHER = "mitre-atlas AML.T0018", "mitre-atlas AML.T0020"


def curator():
    return factories.account("cora", Role.CURATOR)


def held(case):
    return {f"{row.taxonomy} {row.term}" for row in case.classifications.all()}


def test_terms_are_added_and_dropped_by_the_form(signed_in):
    case = factories.worded_case(description="Ask ana@real-person.org.")
    client = signed_in(curator())
    address = f"/console/reports/case/{case.pk}/classify/"
    assert address in client.get("/console/reports/case/classify/").content.decode()
    page = client.get(address).content.decode()
    assert "ana@real-person.org" not in page
    client.post(address, {"term": [TERM, OTHER]})
    assert held(case) == {TERM, OTHER}
    client.post(address, {"drop": case.classifications.get(term="AML.T0018").pk})
    assert held(case) == {OTHER}
    notes = list(Activity.objects.filter(verb="classify").order_by("pk").values_list("actor__username", "note"))
    assert notes == [("cora", f"+ {TERM}, + {OTHER}"), ("cora", f"- {TERM}")]
    said = client.post(address, {"term": "no such term at all"}, follow=True)
    assert list(said.context["messages"])
    assert held(case) == {OTHER}


def test_a_curator_reaches_no_report_and_no_other_page_of_the_case(signed_in):
    case = factories.worded_case()
    client = signed_in(curator())
    for path in (f"case/{case.pk}/change/", "case/", f"report/{case.reports.get().pk}/change/", "report/"):
        assert client.get(f"/console/reports/{path}").status_code == 403


def test_what_was_approved_without_the_term_is_cancelled(settings):
    settings.UNDO_SECONDS = 30
    case = factories.worded_case()
    row = release.schedule(case=case, verb="publish", by=factories.moderator())
    classifying.classify(case=case, by=curator(), add=[TERM])
    row.refresh_from_db()
    assert row.state == "cancelled"


def test_not_a_case_of_ones_own_organisation_or_one_that_is_closed():
    case = factories.worded_case()
    by = curator()
    factories.affiliated(by, "example-org")
    with pytest.raises(NotAllowedError, match="belong to"):
        classifying.classify(case=case, by=by, add=[TERM])
    case.state = "closed"
    case.save(update_fields=["state"])
    with pytest.raises(WrongStateError, match="closed"):
        classifying.classify(case=case, by=factories.moderator(), add=[TERM])
