"""Who belongs to which organisation: declared by themselves, taken away by operators only."""

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Affiliation
from tests import factories

pytestmark = pytest.mark.django_db

ADDRESS = "/console/accounts/affiliation/"


def test_a_moderator_declares_their_own_and_cannot_take_it_back(signed_in):
    mira = factories.moderator()
    client = signed_in(mira)
    client.post(f"{ADDRESS}add/", {"organisation": "example-org", "hub": "huggingface", "user": "999"})
    row = Affiliation.objects.get()
    assert (row.user, str(row)) == (mira, "example-org on huggingface")
    assert client.post(f"{ADDRESS}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(f"{ADDRESS}{row.pk}/change/", {"organisation": "other"})
    row.refresh_from_db()
    assert row.organisation == "example-org"


def test_moderators_see_their_own_and_operators_everybodys(signed_in):
    factories.affiliated(factories.moderator(), "example-org")
    assert "example-org" not in signed_in(factories.second_moderator()).get(ADDRESS).content.decode()
    otto = signed_in(factories.operator())
    assert "example-org" in otto.get(ADDRESS).content.decode()
    sami = factories.second_moderator()
    otto.post(f"{ADDRESS}add/", {"organisation": "other-org", "hub": "", "user": sami.pk})
    row = Affiliation.objects.get(user=sami)
    otto.post(f"{ADDRESS}{row.pk}/delete/", {"post": "yes"})
    assert not Affiliation.objects.filter(user=sami).exists()


def test_an_organisation_is_one_name_declared_once():
    mira = factories.moderator()
    factories.affiliated(mira, "Example-Org")
    for organisation in ("example-org", "", "org/name"):
        with pytest.raises(IntegrityError), transaction.atomic():
            factories.affiliated(mira, organisation)
