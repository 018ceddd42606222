"""The program `faultline`.

Exit codes: 0 nothing is affected, 1 something is, 2 a mistake in the call or a node that cannot be asked.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from faultline_client import __version__, bills, hub_cache
from faultline_client.download import export
from faultline_client.findings import FAIL_ON, Report, Subject, report
from faultline_client.node import Node, NodeError
from faultline_client.printing import FORMATS

FINE, AFFECTED, TROUBLE = 0, 1, 2
_NODE, _TOKEN = "FAULTLINE_NODE", "FAULTLINE_TOKEN"
_FILTERS = ("q", "category", "kind", "severity", "evidence_grade", "status", "hub", "model", "alias")


class UsageError(Exception):
    """What was asked cannot be done; the message is one line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, as every other mistake."""
        self.exit(TROUBLE, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; returns its exit code."""
    called = _parser().parse_args(arguments)
    try:
        return int(called.run(called))
    except (UsageError, NodeError) as error:
        print(f"faultline: {error}", file=sys.stderr)
    except OSError as error:
        print(f"faultline: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("faultline: stopped", file=sys.stderr)
    return TROUBLE


def _parser() -> _Parser:
    shared = _Parser(add_help=False)
    shared.add_argument("--node", default="", help=f"the node's address (else {_NODE}); a token is taken from {_TOKEN}")
    parser = _Parser(prog="faultline", description="Ask a Faultline node about the models you run.")
    parser.add_argument("--version", action="version", version=f"faultline {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_check(commands.add_parser("check", parents=[shared], help="which published incidents concern what you run"))
    _add_export(commands.add_parser("export", parents=[shared], help="take the collection, or a part of it, home"))
    return parser


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names",
        nargs="*",
        metavar="BOM-OR-NAME",
        help="a CycloneDX or SPDX file (JSON), or a package URL, organisation/name, address, or SHA-256 of a file",
    )
    parser.add_argument(
        "--hf-cache",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="the models in a cache of the Hugging Face Hub; without FOLDER where huggingface_hub keeps it",
    )
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.add_argument("-o", "--output", type=Path, help="write the report there instead")
    parser.add_argument(
        "--fail-on",
        choices=FAIL_ON,
        default="inherited",
        help="exit with 1 for direct matches only, also for inherited ones (the default), or also by name only",
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would be sent, and send nothing")
    parser.set_defaults(run=_check)


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("jsonl", "csv", "parquet"), default="jsonl")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help=".gz or .zst: compressed")
    for name in _FILTERS:
        parser.add_argument(f"--{name.replace('_', '-')}", default="", help="as in the API's list of incidents")
    parser.set_defaults(run=_export)


# --- check --------------------------------------------------------------------------------------------------
def _check(called: argparse.Namespace) -> int:
    bill_paths, names = _sorted_out(called.names)
    cached = _cached(called.hf_cache)
    if not (bill_paths or names or cached or called.hf_cache is not None):
        raise UsageError("nothing to check: name a bill of materials, a model, or --hf-cache")
    read = [(path, _bill(path)) for path in bill_paths]
    asked = [*((Subject(name, ""), name) for name in names), *cached]
    if called.dry_run:
        sent = [{"POST": "/api/v1/check/bom", "body": bill} for _, bill in read]
        sent += [{"POST": "/api/v1/check", "body": {"items": [text for _, text in asked]}}] if asked else []
        print(json.dumps(sent, indent=2, ensure_ascii=False))
        return FINE
    found = _ask(_node(called), read, asked)
    written = FORMATS[called.format](found)
    if called.output:
        called.output.write_text(written, encoding="utf-8")
    else:
        sys.stdout.write(written)
    return AFFECTED if found.fails(called.fail_on) else FINE


def _sorted_out(words: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Which words are files, and which name something. Raises UsageError for a file that is not there."""
    paths = [Path(word) for word in words if Path(word).is_file()]
    names = [word for word in words if not Path(word).is_file()]
    for name in names:
        if name.lower().endswith(".json"):
            raise UsageError(f"there is no file {name}")
    return paths, names


def _bill(path: Path) -> dict[str, Any]:
    try:
        return bills.identities(path.read_bytes())
    except bills.UnreadableBillError as error:
        raise UsageError(f"{path}: {error}") from error


def _cached(folder: str | None) -> list[tuple[Subject, str]]:
    """What to ask about a cache: each revision, and the hash of each of its files that has one."""
    if folder is None:
        return []
    asked = []
    for model in hub_cache.scan(Path(folder) if folder else hub_cache.default_folder()):
        subject = Subject(model.purl, "")
        asked += [(subject, model.purl), *((subject, digest) for digest in sorted(set(model.files.values())))]
    return asked


def _ask(node: Node, read: Sequence[tuple[Path, dict[str, Any]]], asked: Sequence[tuple[Subject, str]]) -> Report:
    try:
        answers = []
        for path, bill in read:
            found = node.check_bom(json.dumps(bill).encode())
            answers += [(Subject(str(answer["asked"]), str(path)), answer) for answer in found]
        if asked:
            found = node.check([{"id": text} for _, text in asked])
            answers += [(subject, answer) for (subject, _), answer in zip(asked, found, strict=True)]
    finally:
        node.close()
    return report(node.address, (subject for subject, _ in answers), answers)


# --- export -------------------------------------------------------------------------------------------------
def _export(called: argparse.Namespace) -> int:
    filters = {name: value for name in _FILTERS if (value := getattr(called, name))}
    if not called.output.parent.is_dir():
        raise UsageError(f"there is no folder {called.output.parent}")
    node = _node(called)
    try:
        saved = export(node, called.format, filters, called.output)
    finally:
        node.close()
    said = "as the node says" if saved.verified else "the node names no digest for an export with filters"
    print(f"{called.output}: {saved.size} bytes, SHA-256 {saved.sha256} ({said})")
    return FINE


def _node(called: argparse.Namespace) -> Node:
    address = called.node or os.environ.get(_NODE, "")
    if not address:
        raise UsageError(f"say which node to ask: --node https://node.example.org, or {_NODE}")
    return Node(address, os.environ.get(_TOKEN, ""))


if __name__ == "__main__":
    sys.exit(main())
