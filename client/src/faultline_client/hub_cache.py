"""The models in a local cache of the Hugging Face Hub, from the names of its folders and links alone. No file is read.

The layout ("Understand caching", documentation of huggingface_hub): `models--<org>--<name>/snapshots/<commit>/<path>`
are links to `../../blobs/<hash>`, where the hash of a large file (LFS, Xet) is its SHA-256 and that of a small one is
the SHA-1 of its git blob. Where links are not possible a snapshot holds the files themselves, and no hash is known.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_FOLDER = "models--"


@dataclass(frozen=True)
class CachedModel:
    """One revision on the disk, and its files whose SHA-256 the cache knows, by path in the repository."""

    name: str
    revision: str
    files: dict[str, str]

    @property
    def purl(self) -> str:
        """The package URL (purl-spec, type huggingface)."""
        return f"pkg:huggingface/{quote(self.name, safe='/')}@{self.revision.lower()}"


def default_folder() -> Path:
    """Where huggingface_hub keeps its cache, from the variables it reads itself."""
    if found := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(found).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "huggingface" / "hub"


def scan(folder: Path) -> list[CachedModel]:
    """Every revision of every model in the cache, by name and revision. Raises OSError where there is no folder."""
    found = [model for repository in sorted(folder.iterdir()) for model in _revisions(repository)]
    return sorted(found, key=lambda model: (model.name, model.revision))


def _revisions(repository: Path) -> Iterator[CachedModel]:
    snapshots = repository / "snapshots"
    if not repository.name.startswith(_FOLDER) or not snapshots.is_dir():
        return
    name = repository.name.removeprefix(_FOLDER).replace("--", "/", 1)
    for snapshot in snapshots.iterdir():
        if _COMMIT.fullmatch(snapshot.name):
            yield CachedModel(name, snapshot.name, dict(_files(snapshot)))


def _files(snapshot: Path) -> Iterator[tuple[str, str]]:
    for folder, _, names in os.walk(snapshot):
        for name in sorted(names):
            path = Path(folder) / name
            blob = path.readlink().name if path.is_symlink() else ""
            if _SHA256.fullmatch(blob):
                yield path.relative_to(snapshot).as_posix(), blob
