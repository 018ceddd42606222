"""A node's home: the folder with all it keeps, and what follows from it: addresses, secrets, locks.

It is `FAULTLINE_HOME`, else `var` beside the code. The embedded servers listen on Unix sockets in private folders
only: nodes run side by side, no other account reaches them.
"""

import base64
import fcntl
import hashlib
import os
import secrets as randomness
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

PROJECT = Path(__file__).resolve().parent.parent
SECRETS: dict[str, Callable[[], str]] = {
    "FAULTLINE_SECRET_KEY": lambda: randomness.token_urlsafe(48),
    "FAULTLINE_RECEIPT_PEPPER": lambda: randomness.token_urlsafe(48),
    "FAULTLINE_SEAL_KEY": lambda: base64.urlsafe_b64encode(randomness.token_bytes(32)).decode(),
}
READER = "faultline_reader"  # the embedded database's role of public reads
ROOT_SOCKETS = Path("/run")  # root's own folder, which other accounts can pass through
LONGEST_SOCKET = 107


class ServiceError(RuntimeError):
    """A server, a folder or a port is not to be had; the message is one line for a person."""


# --- Addresses ----------------------------------------------------------------------------------------------
def data_folder() -> Path:
    """The folder with everything this node keeps, absolute and without links."""
    return Path(os.environ.get("FAULTLINE_HOME") or PROJECT / "var").expanduser().resolve()


def sockets(home: Path) -> Path:
    """The folder of this home's sockets: inside it, unless no socket can have such a name or we are root."""
    key = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    if os.geteuid() == 0:
        return ROOT_SOCKETS / f"faultline-{key}"
    longest = home / "sockets/postgres/.s.PGSQL.5432"
    if len(os.fsencode(longest)) <= LONGEST_SOCKET and "," not in str(home):  # PostgreSQL's clients split at commas
        return home / "sockets"
    # Not the temporary folder of the environment: every process must find the same one.
    return Path(f"/tmp/faultline-{os.geteuid()}-{key}")  # noqa: S108 - private: see `private`


def database_url(home: Path) -> str:
    """The database's address, in the form that keeps a folder's capital letters through django-environ."""
    return f"postgres://faultline@:5432/{quote(str(sockets(home) / 'postgres'), safe='')}/faultline"


def reader_url(home: Path) -> str:
    """The same database for the role that reads what is public."""
    return database_url(home).replace("//faultline@", f"//{READER}@", 1)


def redis_url(home: Path) -> str:
    """Redis' address, as redis-py reads it."""
    return f"unix://{quote(str(sockets(home) / 'redis.sock'))}?db=0"


def with_database(redis_url: str, number: int) -> str:
    """The same Redis, another of its numbered databases."""
    parts = urlsplit(redis_url)
    query = dict(parse_qsl(parts.query)) | {"db": str(number)}
    if parts.scheme == "unix":
        return f"unix://{parts.netloc}{parts.path}?{urlencode(query)}"
    query.pop("db")
    return urlunsplit(parts._replace(path=f"/{number}", query=urlencode(query)))


def broker_url(redis_url: str) -> str:
    """A Redis address in the form Celery reads."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    query = dict(parse_qsl(parts.query))
    query["virtual_host"] = query.pop("db", "0")
    return f"redis+socket://{parts.netloc}{parts.path}?{urlencode(query)}"


# --- Secrets ------------------------------------------------------------------------------------------------
def secrets(home: Path) -> dict[str, str]:
    """This home's secrets by name, made on first use. Raises ServiceError."""
    path = prepare(home) / "secrets.env"
    kept = _read_secrets(path)
    if kept.keys() >= SECRETS.keys():
        return kept
    with locked(home, "secrets"):
        kept = _read_secrets(path)
        made = {name: make() for name, make in SECRETS.items() if name not in kept}
        _append_secrets(path, made)
    return kept | made


def _read_secrets(path: Path) -> dict[str, str]:
    """The known secrets in the file, none if there is no file."""
    try:
        lines = path.read_text().splitlines() if path.exists() else []
    except OSError as error:
        raise ServiceError(f"the secrets in {path} cannot be read: {error.strerror}") from error
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    return {name.strip(): value.strip() for name, value in pairs if name.strip() in SECRETS and value.strip()}


def _append_secrets(path: Path, made: Mapping[str, str]) -> None:
    """Replaces the file by itself and the new lines; a crash leaves the old file."""
    new = path.with_suffix(".new")
    with explained(f"the secrets in {path} cannot be written"):
        new.unlink(missing_ok=True)
        old = path.read_text().rstrip("\n").splitlines() if path.exists() else []
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(f"{line}\n" for line in [*old, *(f"{name}={value}" for name, value in made.items())])
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


# --- Folders and locks --------------------------------------------------------------------------------------
@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turns an operating system's error into one sentence."""
    try:
        yield
    except OSError as error:
        raise ServiceError(f"{what}: {error.strerror or error}") from error


def prepare(home: Path) -> Path:
    """The home, made if absent, certainly writable. Raises ServiceError."""
    with explained(f"the data folder {home} cannot be used"):
        if not home.is_dir():
            home.mkdir(parents=True, exist_ok=True)
            # Root's home must let the database's account pass, but not look.
            home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    if not os.access(home, os.W_OK | os.X_OK):
        raise ServiceError(f"the data folder {home} cannot be used: it is not writable")
    return home


def private(path: Path, mode: int = 0o700) -> Path:
    """A folder of ours, made if absent. Raises ServiceError where somebody else has put one."""
    with explained(f"{path} cannot be used"):
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(mode)
        found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise ServiceError(f"{path} cannot be used: it is not a private folder of ours")
    return path


@contextmanager
def locked(home: Path, name: str, kind: int = fcntl.LOCK_EX) -> Iterator[int]:
    """Holds `<home>/locks/<name>`; raises BlockingIOError if `kind` says not to wait."""
    with explained(f"the data folder {home} cannot be used"):
        locks = home / "locks"
        locks.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(locks / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, kind)
        yield lock
    finally:
        os.close(lock)


@contextmanager
def only_one(home: Path, name: str, otherwise: str) -> Iterator[None]:
    """Holds a lock of this home, or raises ServiceError with `otherwise` if another process does."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(home, name, fcntl.LOCK_EX | fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise ServiceError(otherwise) from error
        yield
