"""Settings of the test run, in place before Django reads the environment. Loaded as a pytest plug-in."""

import atexit
import base64
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from config.embedded import services
from config.home import data_folder

_until_the_end = ExitStack()
# One of several processes that share the tests (`make test`) has servers of its own: nothing that a test counts,
# empties or locks is another's.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["FAULTLINE_HOME"] = str(data_folder() / worker)
    _until_the_end.enter_context(services(data_folder()))

# A queue of our own: a worker that shares this Redis must not take what tests wake.
os.environ["FAULTLINE_QUEUE"] = f"test-{os.getpid()}"
# A closed port: a test that asks a hub starts a stand-in and says so.
for hub in (Path(__file__).parent.parent / "catalogue" / "hubs").glob("[a-z]*.py"):
    os.environ[f"FAULTLINE_HUB_{hub.stem.upper()}_ENDPOINT"] = "http://127.0.0.1:9"
    os.environ[f"FAULTLINE_HUB_{hub.stem.upper()}_TOKEN"] = ""
os.environ["FAULTLINE_BASE_URL"] = "http://testserver"
os.environ["FAULTLINE_ALLOWED_HOSTS"] = "testserver,127.0.0.1,localhost"
os.environ["FAULTLINE_NODE_NAME"] = "test.faultline.example"
os.environ["FAULTLINE_LOG_LEVEL"] = "INFO"
# Reporters' files in a folder of this run's own, gone with it.
_evidence = tempfile.mkdtemp(prefix="faultline-evidence-")
os.environ["FAULTLINE_EVIDENCE_ROOT"] = _evidence
atexit.register(shutil.rmtree, _evidence, ignore_errors=True)
_exports = tempfile.mkdtemp(prefix="faultline-exports-")
os.environ["FAULTLINE_EXPORT_ROOT"] = _exports
atexit.register(shutil.rmtree, _exports, ignore_errors=True)
# The node's keys, and what it signed last: a folder of this run's own, too.
_log = tempfile.mkdtemp(prefix="faultline-log-")
os.environ["FAULTLINE_LOG_ROOT"] = _log
atexit.register(shutil.rmtree, _log, ignore_errors=True)
# Keys that are in no file: making them is tested by itself.
os.environ["FAULTLINE_NODE_KEYS"] = ",".join(
    base64.urlsafe_b64encode(bytes([number]) * 32).decode().rstrip("=") for number in (1, 2, 3)
)
# What is approved is public at once; tests of the time to undo it set that time.
os.environ["FAULTLINE_UNDO_SECONDS"] = "0"


def pytest_unconfigure() -> None:
    """Stops the servers."""
    _until_the_end.close()
