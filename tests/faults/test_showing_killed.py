"""A worker killed with SIGKILL while it shows records of another node together: none is lost, none comes twice."""

import signal

import pytest

from federation import applying, auditing
from federation.models import Outcome
from incidents.models import FacetCount, Publication
from tests.federation.test_showing import read
from tests.stand_ins.node import Log

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("step", "shown"), [("when all is written", 0), ("when it is committed", 12)])
def test_each_record_is_shown_once(start, tmp_path, step, shown):
    log = Log()
    for _ in range(12):
        log.publish()
    peer = read(log)
    said = tmp_path / "log.txt"
    process = start("tests.faults.die_at", step, "follow", log=said, DJANGO_SETTINGS_MODULE="config.settings")
    assert process.wait(60) == -signal.SIGKILL, said.read_text()
    assert Publication.objects.count() == shown
    peer.refresh_from_db()
    assert peer.applied == (13 if shown else 0)
    while applying.apply_next(peer):
        pass
    assert list(Publication.objects.order_by("number").values_list("number", flat=True)) == list(range(1, 13))
    assert Outcome.objects.count() == 13
    assert FacetCount.objects.get(value="hidden_promotion", dimension=3).records == 12
    assert not list(auditing.problems())
