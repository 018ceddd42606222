"""The records as a SQLite file, as somebody who publishes a dump with Datasette would make it."""

import sqlite3
import subprocess
import sys
from pathlib import Path

VERSION = "0.65.2"
COLUMNS = "public_id, status, kind, category, severity, evidence_grade, confidence, title, occurred, published_at"


def installed(folder):
    """Datasette's program in a virtual environment of its own; None, with a message, where it cannot be installed."""
    program = Path(folder, "datasette", "bin", "datasette")
    if not program.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", Path(folder, "datasette")], check=True)
            pip = [Path(folder, "datasette", "bin", "pip"), "install", "--quiet", f"datasette=={VERSION}"]
            subprocess.run(pip, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"without Datasette, which cannot be installed here: {error}")
            return None
    return program


def copied(database, path):
    """The SQLite file with every record, made where it is not there yet."""
    if path.exists():
        return path
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with sqlite3.connect(draft) as copy, database.transaction(), database.cursor("records") as cursor:
        copy.execute(f"CREATE TABLE incident (id INTEGER PRIMARY KEY, {COLUMNS}, document)")
        cursor.execute(f"SELECT id, {COLUMNS}, convert_from(document, 'UTF8') FROM incidents_incident ORDER BY id")
        rows = ([str(value) if name == 10 else value for name, value in enumerate(row)] for row in cursor)
        copy.executemany(f"INSERT INTO incident VALUES ({', '.join('?' * 12)})", rows)
        copy.execute("CREATE INDEX newest ON incident (published_at DESC)")
        copy.execute("CREATE INDEX filters ON incident (severity, evidence_grade, published_at DESC)")
        copy.execute("CREATE UNIQUE INDEX by_id ON incident (public_id)")
    draft.rename(path)
    return path
