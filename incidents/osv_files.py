"""The whole collection as files, in the layout of OSV's bucket, for tools that match offline.

`<ecosystem>/all.zip` and `<ecosystem>/modified_id.csv` (newest first: a reader stops at the first moment it knows), the
same of everything at the top, and `ecosystems.txt`. They are made together into a folder of their own, which takes the
place of the last one at once: nobody ever reads half a file, or files of two states.
"""

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import structlog
from django.conf import settings
from django.utils import timezone

from incidents import log as public_log
from incidents.format import Published
from incidents.formats.osv import ECOSYSTEM, PREFIX, in_ecosystem, osv
from incidents.models import Incident, OsvRefresh
from incidents.publishing import instant
from incidents.this_node import this_node
from lib.due import lease_next

# Where OSV's bucket has records without an ecosystem.
NO_ECOSYSTEM = "[EMPTY]"
FOLDERS = (ECOSYSTEM, NO_ECOSYSTEM)
_IN_EACH = ("all.zip", "modified_id.csv")
NAMES = frozenset({"ecosystems.txt", *_IN_EACH, *(f"{folder}/{name}" for folder in FOLDERS for name in _IN_EACH)})
# A build takes at most so much of a worker's time: the next one waits as many times as long as the last one took.
_PAUSE = 20
_SHORTEST_PAUSE = timedelta(seconds=10)
_STANDING = "standing"
_FIRST_MOMENT = (1980, 1, 1, 0, 0, 0)  # that a ZIP file can hold
_MANIFEST = "manifest.json"

log = structlog.get_logger()


@dataclass(frozen=True)
class StoredFile:
    """A file as it stands: where, its SHA-256 in hex, and when it was made."""

    path: Path
    sha256: str
    made: datetime


def stored(name: str) -> StoredFile | None:
    """The file of that name ("all.zip", "GIT/modified_id.csv"); None where there is none, or none yet."""
    folder = _standing()
    manifest = _manifest(folder) if folder else {}
    if folder and not manifest:  # it has just given way to a newer one
        return stored(name)
    digest = manifest.get("files", {}).get(name)
    if folder is None or digest is None:
        return None
    return StoredFile(folder / name, digest, datetime.fromisoformat(manifest["made"]))


def folder_of(published: Published) -> str:
    """The folder that a record is in."""
    return ECOSYSTEM if in_ecosystem(published.record) else NO_ECOSYSTEM


def refresh_due() -> bool:
    """Makes the files again if the log has grown since; whether it did."""
    OsvRefresh.objects.get_or_create(pk=1)
    lease = lease_next(OsvRefresh.objects.all())
    if lease is None:
        return False
    folder, began = _standing(), monotonic()
    if folder and _manifest(folder).get("log_number") == public_log.head().number:
        lease.done(next_due=timezone.now())
        return False
    try:
        records = build()
    except Exception as error:
        lease.fail(f"{type(error).__name__}: {error}")
        log.exception("making the OSV files failed")
        return True
    took = timedelta(seconds=monotonic() - began)
    lease.done(next_due=timezone.now() + max(took * _PAUSE, _SHORTEST_PAUSE))
    log.info("made the OSV files", records=records, seconds=round(took.total_seconds(), 3))
    return True


def build() -> int:
    """Makes all files from the records as they stand, and puts them in the place of those before; how many records."""
    root = _root()
    root.mkdir(parents=True, exist_ok=True)
    # Before the records are read: what is published meanwhile makes the next build due.
    number = public_log.head().number
    folder = Path(tempfile.mkdtemp(prefix="build-", dir=root))
    try:
        records = _write(folder)
        files = {str(path.relative_to(folder)): _sha256(path) for path in folder.rglob("*") if path.is_file()}
        manifest = {"log_number": number, "made": instant(timezone.now()), "files": files}
        (folder / _MANIFEST).write_text(json.dumps(manifest))
        folder.chmod(0o755)
        _let_stand(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return records


def _write(folder: Path) -> int:
    for name in FOLDERS:
        (folder / name).mkdir()
    (folder / "ecosystems.txt").write_text("".join(f"{name}\n" for name in FOLDERS))
    records = 0
    with ExitStack() as opened:
        archives = {name: opened.enter_context(_archive(folder / name / "all.zip")) for name in ("", *FOLDERS)}
        lists = {name: opened.enter_context((folder / name / "modified_id.csv").open("w")) for name in ("", *FOLDERS)}
        for modified, published in _newest_first():
            own, identifier = folder_of(published), PREFIX + published.record.id
            content = json.dumps(osv(published), ensure_ascii=False).encode()
            for name in ("", own):
                archives[name].writestr(_member(identifier, modified), content)
            lists[""].write(f"{instant(modified)},{own}/{identifier}\n")
            lists[own].write(f"{instant(modified)},{identifier}\n")
            records += 1
    return records


def _member(identifier: str, modified: datetime) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(f"{identifier}.json", max(modified.timetuple()[:6], _FIRST_MOMENT))
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


def _archive(path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)


def _newest_first() -> Iterator[tuple[datetime, Published]]:
    """Every record that is shown, as it stands, withdrawn ones too: one query, and so one state."""
    node = this_node()
    shown = Incident.objects.exclude(overlay__hidden_at__isnull=False)
    rows = shown.order_by("-modified_at", "-pk").values_list("modified_at", "document")
    for modified, document in rows.iterator(chunk_size=500):
        yield modified, Published(bytes(document), node)


def _root() -> Path:
    return Path(settings.EXPORT_ROOT) / "osv"


def _standing() -> Path | None:
    link = _root() / _STANDING
    return link.resolve() if (link / _MANIFEST).is_file() else None


def _let_stand(folder: Path) -> None:
    """Puts the folder in the place of the last one, which goes; who reads a file of it by then reads on."""
    link, root = _root() / _STANDING, _root()
    fresh = root / f"{folder.name}.link"
    fresh.symlink_to(folder.name)
    fresh.replace(link)
    for other in root.glob("build-*"):
        if other.is_dir() and other != folder:
            shutil.rmtree(other, ignore_errors=True)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text())
    except FileNotFoundError:  # the folder has just gone
        return {}
    return manifest


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
