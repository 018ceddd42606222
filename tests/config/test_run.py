"""`make run`: everything up, everything down, whoever ends first."""

import socket
import time
from pathlib import Path

import psutil
import pytest

from config import embedded, run
from tests.config.conftest import SIGINT, SIGKILL, SIGTERM, Program, Start, survivors

RUN = "config.run"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - only a word here
UP = "Ctrl-C stops everything."


@pytest.fixture(scope="module")
def homes(folder: Path) -> list[Path]:
    """Two homes that keep their data from test to test: a first start takes longer."""
    return [folder / "one", folder / "two"]


def get(port: int, path: str) -> bool:
    """Whether the node answers 200."""
    return run.Place("127.0.0.1", port).answers(path)


def up(start: Start, home: Path, port: int) -> Program:
    """A node that serves."""
    program = start(home, RUN, PORT=str(port))
    program.says(UP)
    assert get(port, "/livez")
    return program


def test_two_nodes_live_and_end_side_by_side(start: Start, homes, port):
    nodes = [start(home, RUN, PORT=str(port + number)) for number, home in enumerate(homes)]
    for node in nodes:
        node.says(UP)
    assert [get(port, "/readyz"), get(port + 1, "/readyz")] == [True, True]
    assert f"http://127.0.0.1:{port}/" in nodes[0].out
    assert str(homes[0]) in nodes[0].out
    assert "moderator" in nodes[0].out
    families = [node.family() for node in nodes]
    names = " ".join(" ".join(process.cmdline()) for process in families[0])
    assert all(word in names for word in ("granian", "worker", "beat", "postgres", "redis-server"))

    second = start(homes[0], RUN, PORT=str(port + 2))
    assert second.ends() == 1
    already = f"a node already runs with the data folder {homes[0]}: set FAULTLINE_HOME to run another"
    assert second.err == f"faultline: {already}\n"

    nodes[0].signal(SIGINT)
    assert nodes[0].ends() == 0, nodes[0].err
    assert not survivors(families[0], 1)
    assert get(port + 1, "/readyz"), "the other node was stopped, too"
    assert "Traceback" not in nodes[0].out + nodes[0].err

    nodes[1].member("postgres -D").kill()
    before = time.monotonic()
    assert nodes[1].ends() == 1
    assert time.monotonic() - before < 15
    assert nodes[1].err == "faultline: the database stopped (killed by SIGKILL); stopping everything else\n"
    assert not survivors(families[1], 2)


def test_a_killed_web_server_ends_the_node(start: Start, homes, port):
    node = up(start, homes[1], port)
    family = node.family()
    node.member("granian").kill()
    assert node.ends() == 1
    assert node.err == "faultline: the web server stopped (killed by SIGKILL); stopping everything else\n"
    assert not survivors(family, 2), "granian's own workers outlive it"


def test_nothing_outlives_a_killed_supervisor(start: Start, homes, port):
    node = up(start, homes[0], port)
    family = node.family()
    node.signal(SIGKILL)
    assert not survivors(family)


def test_a_signal_during_the_start_stops_what_is_there(start: Start, home, port):
    node = start(home, RUN, PORT=str(port))
    while not (home / "postgres").exists():
        time.sleep(0.02)
    family: list[psutil.Process] = node.family()
    node.signal(SIGTERM)
    assert node.ends() == 0
    assert not survivors(family, 2)


# --- Refusals, before anything slow ---------------------------------------------------------------------------
def refusal(program: Program) -> str:
    """Why a node did not start, in one line."""
    assert program.ends(10) == 1
    assert program.err.count("\n") == 1
    return program.err


def test_a_taken_port_is_one_line(start: Start, home, port):
    with socket.create_server(("127.0.0.1", port)):
        said = refusal(start(home, RUN, PORT=str(port)))
    assert said.startswith(f"faultline: cannot listen on 127.0.0.1, port {port} (Address already in use)")
    assert not (home / "postgres").exists()


@pytest.mark.parametrize("wrong", ["0", "65536", "http", "-1", "8000.0"])
def test_a_wrong_port_is_one_line(start: Start, home, wrong):
    assert f"PORT is '{wrong}'" in refusal(start(home, RUN, PORT=wrong))


def test_a_wrong_host_is_one_line(start: Start, home, port):
    assert "cannot listen on 192.0.2.1" in refusal(start(home, RUN, PORT=str(port), HOST="192.0.2.1"))


def test_an_unwritable_folder_is_one_line(start: Start, port):
    assert "cannot be used" in refusal(start(Path("/proc/home"), RUN, PORT=str(port)))


# --- The demo login -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("host", "changes", "expected"),
    [
        ("127.0.0.1", {}, "true"),
        (EVERYWHERE, {}, "false"),
        ("127.0.0.1", {"FAULTLINE_BASE_URL": "https://faultline.example"}, "false"),
        (EVERYWHERE, {"FAULTLINE_DEMO": "true"}, "true"),
        ("127.0.0.1", {"FAULTLINE_DEMO": "false"}, "false"),
    ],
)
def test_only_a_node_nobody_else_reaches_has_the_demo_login_by_itself(monkeypatch, host, changes, expected):
    for name in ("FAULTLINE_BASE_URL", "FAULTLINE_DEMO"):
        monkeypatch.delenv(name, raising=False)
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    assert run.environment(embedded.home(), run.Place(host, 8000))["FAULTLINE_DEMO"] == expected


def test_lines_are_coloured_on_a_terminal_only(capsys):
    run.printer()("web", "hello")
    assert capsys.readouterr().out == "web      | hello\n"
