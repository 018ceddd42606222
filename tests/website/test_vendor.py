"""What we did not write lies in `static/vendor`, named with version, licence and digest, and unchanged."""

import hashlib
import json
from pathlib import Path

VENDOR = Path(__file__).parents[2] / "website" / "static" / "vendor"
LISTED = json.loads((VENDOR / "vendor.json").read_text("utf-8"))


def test_every_file_has_the_digest_it_was_vendored_with():
    listed = {name: digest for package in LISTED for name, digest in package["files"].items()}
    found = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "vendor.json"
    }
    assert found == listed


def test_every_package_says_where_it_is_from_and_brings_its_licence():
    for package in LISTED:
        assert set(package) == {"name", "version", "licence", "source", "files"}
        assert package["source"].startswith("npm:")
        folder = f"{package['name']}@{package['version']}/"
        assert all(name.startswith(folder) for name in package["files"])
        assert any(name.startswith(folder + "LICENSE") for name in package["files"])
