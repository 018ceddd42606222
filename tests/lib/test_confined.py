"""The process that reads untrusted bytes: its bounds are real, and its end is never ours."""

import threading
from pathlib import Path

import pytest

from lib import confined
from lib.confined import RefusedFileError, run

HERE = "tests.lib.test_confined"


def greedy(_content):
    return {}, bytes(confined.MOST_MEMORY + 1)


def endless(_content):
    while True:
        pass


def writing(content):
    Path(content.decode()).write_text("anything")
    return {}, b""


def telling(_content):
    import os

    return dict(os.environ), b""


def crashing(_content):
    import os

    os.abort()


def failing(content):
    raise LookupError(content)


def long_winded(_content):
    return {}, bytes(confined.MOST_BYTES_OUT + 1)


def echo(content):
    return {"bytes": len(content)}, content[::-1]


def test_facts_and_bytes_come_back():
    assert run(f"{HERE}:echo", b"abc" * 1000) == ({"bytes": 3000}, b"cba" * 1000)


@pytest.mark.parametrize("task", ["greedy", "crashing", "failing", "long_winded"])
def test_what_takes_too_much_or_breaks_is_refused_in_a_sentence(task):
    with pytest.raises(RefusedFileError, match="more time or memory than is safe"):
        run(f"{HERE}:{task}", b"x")


def test_what_never_ends_is_ended(monkeypatch):
    monkeypatch.setattr(confined, "MOST_SECONDS", 1)
    with pytest.raises(RefusedFileError):
        run(f"{HERE}:endless", b"")


def test_it_can_write_no_file(tmp_path):
    with pytest.raises(RefusedFileError):
        run(f"{HERE}:writing", str(tmp_path / "file").encode())
    assert not (tmp_path / "file").exists() or not (tmp_path / "file").read_bytes()


def test_it_sees_nothing_of_our_environment(monkeypatch):
    monkeypatch.setenv("FAULTLINE_SECRET_KEY", "a secret")
    facts, _ = run(f"{HERE}:telling", b"")
    assert "a secret" not in str(facts)
    assert not any(name.startswith("FAULTLINE") for name in facts)


def test_a_crowd_waits_and_the_last_are_asked_to_come_again(monkeypatch):
    monkeypatch.setattr(confined, "_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(confined, "_places", threading.BoundedSemaphore(1))
    with confined._places, pytest.raises(RefusedFileError, match="try again in a minute"):
        run(f"{HERE}:echo", b"")
    assert run(f"{HERE}:echo", b"")[0] == {"bytes": 0}
