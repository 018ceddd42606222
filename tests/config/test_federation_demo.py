"""What the demonstration starts: whole nodes of their own, each following its neighbour and the third through it.

The three nodes themselves are run in tests/federation/test_ring.py.
"""

import pytest

from config import federation_demo
from config.processes import one_line_errors
from incidents.models import Incident
from reports.management.commands.load_starter import load


@pytest.fixture
def three(tmp_path):
    return federation_demo.nodes(tmp_path, [9001, 9002, 9003])


def test_no_setting_of_another_node_reaches_them(three, monkeypatch):
    foreign = ["DATABASE_URL", "DATABASE_READER_URL", "REDIS_URL", "FAULTLINE_LOG_ROOT", "FAULTLINE_NODE_KEYS"]
    for name in foreign:
        monkeypatch.setenv(name, "somebody else's")
    homes = set()
    for node in three:
        environment = node.environment()
        assert not environment.keys() & set(foreign)
        assert environment["FAULTLINE_NODE_NAME"] == f"{node.letter}.example"
        homes.add(environment["FAULTLINE_HOME"])
    assert len(homes) == 3


def test_each_asks_its_neighbour_alone(three):
    near, far = federation_demo.ring(three)
    read = {(one.reader.letter, one.author.letter, one.via.letter) for one in [*near, *far]}
    assert read == {
        ("a", "c", "c"),
        ("a", "b", "c"),
        ("b", "a", "a"),
        ("b", "c", "a"),
        ("c", "b", "b"),
        ("c", "a", "b"),
    }
    for one in far:
        assert one.log_address.startswith(f"{one.via.address}/mirror/")


@pytest.mark.parametrize("port", ["0", "65534", "http", "-1"])
def test_a_wrong_port_is_one_line(monkeypatch, capsys, tmp_path, port):
    monkeypatch.setenv("PORT", port)
    monkeypatch.setenv("FAULTLINE_HOME", str(tmp_path))
    assert one_line_errors(federation_demo.supervise) == 1
    assert f"PORT is '{port}'" in capsys.readouterr().err


@pytest.mark.django_db
def test_the_record_that_goes_round_can_be_published_each_time():
    ids = {load(federation_demo.made_up(moment)) for moment in ("2026-03-01 10:00:00", "2026-03-01 10:00:01")}
    assert set(Incident.objects.values_list("public_id", flat=True)) == ids
    assert len(ids) == 2
