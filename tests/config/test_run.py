"""`make run`: everything up, everything down, whoever ends first."""

import socket
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from config import run
from config.home import data_folder
from config.processes import one_line_errors
from tests.config.conftest import SIGINT, SIGKILL, SIGTERM, Program, Start, copied, free_port, lives, survivors
from tests.waiting import PATIENCE

RUN = "config.run"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - only a word here
UP = "Ctrl-C stops everything."


def get(port: int, path: str) -> bool:
    """Whether the node answers 200."""
    return run.Place("127.0.0.1", port).answers(path)


def up(start: Start, home: Path, port: int) -> Program:
    """A node that serves."""
    program = start(home, RUN, PORT=str(port))
    program.says(UP)
    assert get(port, "/livez")
    return program


def all_up(node: Program) -> list[psutil.Process]:
    """The family of a node that serves, complete."""
    family = node.family()
    names = " ".join(" ".join(process.cmdline()) for process in family if lives(process))
    assert all(word in names for word in ("granian", "worker", "beat", "postgres", "redis-server"))
    return family


@pytest.fixture(scope="module")
def first(folder: Path, start_once: Start) -> tuple[Program, list[psutil.Process]]:
    """A node's first life, which takes longer than any later one, and its family. Its web server was killed."""
    node = up(start_once, folder / "used", free_port())
    family = all_up(node)
    node.member("granian").kill()
    node.ends()
    return node, family


@pytest.fixture
def used(first: tuple[Program, list[psutil.Process]]) -> Path:
    """A home that has been set up."""
    return first[0].home


def test_a_killed_web_server_ends_the_node(first):
    node, family = first
    assert "Sign in     moderator / open-weights\n              second / open-weights\n" in node.out
    assert str(node.home) in node.out
    assert node.ends() == 1
    assert node.err == "faultline: the web server stopped (killed by SIGKILL); stopping everything else\n"
    assert not survivors(family), "granian's own workers outlive it"


def test_two_nodes_live_and_end_side_by_side(start: Start, used, home, port):
    homes = [used, copied(used, home)]
    nodes = [start(home, RUN, PORT=str(port + number)) for number, home in enumerate(homes)]
    for node in nodes:
        node.says(UP)
    assert [get(port, "/readyz"), get(port + 1, "/readyz")] == [True, True]
    assert f"http://127.0.0.1:{port}/" in nodes[0].out
    assert str(homes[0]) in nodes[0].out
    assert "moderator" in nodes[0].out
    families = [all_up(node) for node in nodes]

    second = start(homes[0], RUN, PORT=str(port + 2))
    assert second.ends() == 1
    already = f"a node already runs with the data folder {homes[0]}: set FAULTLINE_HOME to run another"
    assert second.err == f"faultline: {already}\n"

    nodes[0].signal(SIGINT)
    assert nodes[0].ends() == 0, nodes[0].err
    assert not survivors(families[0])
    assert get(port + 1, "/readyz"), "the other node was stopped, too"
    assert "Traceback" not in nodes[0].out + nodes[0].err

    nodes[1].signal(SIGKILL)
    assert not survivors(families[1]), "something outlives a killed supervisor"


def test_a_killed_database_ends_the_node(start: Start, used, port):
    node = start(used, RUN, PORT=str(port))
    family = family_with(node, "granian")
    node.member("postgres -D").kill()
    assert node.ends() == 1
    assert node.err == "faultline: the database stopped (killed by SIGKILL); stopping everything else\n"
    assert not survivors(family)


def family_with(node: Program, words: str) -> list[psutil.Process]:
    """A starting node's family as soon as it has such a member."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        family = node.family()
        with suppress(psutil.NoSuchProcess):
            if any(words in " ".join(process.cmdline()) for process in family):
                return family
        time.sleep(0.02)
    raise AssertionError(node.out + node.err)


def test_a_signal_during_the_start_stops_what_is_there(start: Start, used, port):
    node = start(used, RUN, PORT=str(port))
    family = family_with(node, "postgres -D")
    node.signal(SIGTERM)
    assert node.ends() == 0
    assert not survivors(family)


# --- Refusals, before anything slow ---------------------------------------------------------------------------
def refusal(program: Program) -> str:
    """Why a node did not start, in one line."""
    assert program.ends() == 1
    assert program.err.count("\n") == 1
    return program.err


def test_a_taken_port_is_one_line(start: Start, home, port):
    with socket.create_server(("127.0.0.1", port)):
        said = refusal(start(home, RUN, PORT=str(port)))
    assert said.startswith(f"faultline: cannot listen on 127.0.0.1, port {port} (Address already in use)")
    assert not (home / "postgres").exists()


def test_a_port_is_refused_to_a_second_node_even_before_the_first_listens(monkeypatch, capsys, home, port):
    monkeypatch.setenv("PORT", str(port))
    with run.reserved_place():
        assert f"port {port} (Address already in use)" in refused(monkeypatch, capsys, FAULTLINE_HOME=str(home))
        with socket.create_server(("127.0.0.1", port), reuse_port=True):  # as the web server does
            assert f"port {port} (Address already in use)" in refused(monkeypatch, capsys, FAULTLINE_HOME=str(home))
    with socket.create_server(("127.0.0.1", port)):
        pass


@pytest.mark.parametrize("wrong", ["0", "65536", "http", "-1", "8000.0"])
def test_a_wrong_port_is_one_line(monkeypatch, capsys, home, wrong):
    assert f"PORT is '{wrong}'" in refused(monkeypatch, capsys, FAULTLINE_HOME=str(home), PORT=wrong)


def test_a_wrong_host_is_one_line(monkeypatch, capsys, home, port):
    said = refused(monkeypatch, capsys, FAULTLINE_HOME=str(home), PORT=str(port), HOST="192.0.2.1")
    assert "cannot listen on 192.0.2.1" in said


def refused(monkeypatch, capsys, **changes: str) -> str:
    """The same refusal, in this process: no program starts."""
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    assert one_line_errors(run.supervise) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    return said.err


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
    assert run.environment(data_folder(), run.Place(host, 8000))["FAULTLINE_DEMO"] == expected


def test_lines_are_coloured_on_a_terminal_only(capsys):
    run.printer()("web", "hello")
    assert capsys.readouterr().out == "web      | hello\n"
