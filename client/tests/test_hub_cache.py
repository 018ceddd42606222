"""What is read from a cache of the Hugging Face Hub."""

import pytest
from faultline_client import hub_cache

COMMIT, OTHER = "ab" * 20, "cd" * 20
SHA256, GIT = "12" * 32, "34" * 20


@pytest.fixture
def cache(tmp_path):
    def add(folder, commit, files):
        blobs, snapshot = tmp_path / folder / "blobs", tmp_path / folder / "snapshots" / commit
        blobs.mkdir(parents=True, exist_ok=True)
        for path, blob in files.items():
            (blobs / blob).write_bytes(b"weights")
            (snapshot / path).parent.mkdir(parents=True, exist_ok=True)
            (snapshot / path).symlink_to(blobs / blob)

    add(
        "models--org--tiny-chat",
        COMMIT,
        {"model.safetensors": SHA256, "config.json": GIT, "onnx/model.onnx": "56" * 32},
    )
    add("models--gpt2", OTHER, {"config.json": GIT})
    add("datasets--org--texts", COMMIT, {"data.parquet": SHA256})
    (tmp_path / "models--org--tiny-chat" / "refs").mkdir()
    (tmp_path / "models--org--tiny-chat" / "snapshots" / "not-a-commit").mkdir()
    (tmp_path / "version.txt").write_text("1")
    (tmp_path / "models--broken").mkdir()
    return tmp_path


def test_every_revision_of_every_model_and_nothing_else(cache):
    assert [model.purl for model in hub_cache.scan(cache)] == [
        f"pkg:huggingface/gpt2@{OTHER}",
        f"pkg:huggingface/org/tiny-chat@{COMMIT}",
    ]


def test_files_by_the_hash_that_their_link_names_without_reading_them(cache):
    for blob in (cache / "models--org--tiny-chat" / "blobs").iterdir():
        blob.unlink()  # what a cache on a disk that is not mounted looks like
    files = hub_cache.scan(cache)[1].files
    assert files == {"model.safetensors": SHA256, "onnx/model.onnx": "56" * 32}


def test_where_links_are_not_possible_no_hash_is_known(cache):
    snapshot = cache / "models--org--tiny-chat" / "snapshots" / COMMIT
    (snapshot / "model.safetensors").unlink()
    (snapshot / "model.safetensors").write_bytes(b"weights")
    assert "model.safetensors" not in hub_cache.scan(cache)[1].files


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}, "/a"),
        ({"HF_HOME": "/b", "XDG_CACHE_HOME": "/c"}, "/b/hub"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
    ],
)
def test_the_folder_is_where_the_hubs_own_client_looks(monkeypatch, variables, folder):
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(hub_cache.default_folder()) == folder
