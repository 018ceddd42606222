"""What is said of a model's files: from ranges of them, from the hub's answers, and from their names alone."""

import io
import json
import pickle
import struct
import time
import tracemalloc
import zipfile
from collections import OrderedDict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalogue.filesafety import torchzip
from catalogue.filesafety.findings import Danger, FindingKind, Format, Global, HubStatus, Meaning, Outcome
from catalogue.filesafety.formats import by_content, by_name
from catalogue.filesafety.repository import describe_files, find_risks, remote_code
from catalogue.filesafety.scan import METHOD, scan_file
from catalogue.filesafety.verdicts import RepositoryStatus, read_file_verdicts, read_repository_status
from lib.ranges import Limits
from tests.stand_ins.ranges import StandInFiles

HONEST = pickle.dumps(OrderedDict(a=[1, 2]), 2)
EVIL = b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R."
SYSTEM = Global("posix", "system", Danger.DANGEROUS)
OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + b"\x80\x02M\xe9\x03." + b"\x80\x02}."


@pytest.fixture
def site():
    with StandInFiles() as stand_in:
        yield stand_in


def scan(site, content, path="pytorch_model.bin", **how):
    return scan_file(path, site.put(path, content), **how)


def tensors(number):
    """A state dict of `number` tensors in protocol 2, with the opcodes torch writes."""
    one = (
        b"X\x23\x00\x00\x00encoder.layer.%03d.attention.weight%d"
        b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
        b"X\x03\x00\x00\x00%03dX\x03\x00\x00\x00cpuM\x00\x03tQK\x00M\x00\x03\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"
    )
    items = b"".join(one % (each, each % 10, each) for each in range(number))
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + items + b"u."


def torch_zip(members, compression=zipfile.ZIP_STORED, comment=b""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.comment = comment
        for name, data in members:
            archive.writestr(f"archive/{name}", data)
    return buffer.getvalue()


class Sparse(io.FileIO):
    """A file that leaves holes where zeros are written."""

    def write(self, data):
        if len(data) > 4096 and bytes(data).count(0) == len(data):
            self.seek(len(data), io.SEEK_CUR)
            return len(data)
        return super().write(data)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """Torch zips of 50 MB: 200 tensors, one of them with a payload."""
    folder = tmp_path_factory.mktemp("big")
    files = {}
    for name, data in {"honest": tensors(200), "evil": tensors(200)[:-1] + EVIL[2:]}.items():
        files[name] = folder / name
        with Sparse(files[name], "w") as file, zipfile.ZipFile(file, "w") as archive:
            archive.writestr("archive/data.pkl", data)
            for number in range(200):
                archive.writestr(f"archive/data/{number}", bytes(250_000))
            archive.writestr("archive/version", b"3\n")
    return files


# --- Torch zips ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("which", "outcome"), [("honest", Outcome.NOTHING_FOUND), ("evil", Outcome.DANGEROUS)])
def test_fifty_megabytes_cost_three_requests_and_less_than_100_kilobytes(site, big, which, outcome):
    assert big[which].stat().st_size > 50_000_000
    tracemalloc.start()
    result = scan(site, big[which], size=big[which].stat().st_size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.outcome is outcome
    assert (SYSTEM in result.globals) == (which == "evil")
    assert result.cost.requests == len(site.requests) <= 3
    assert result.cost.bytes == site.bytes_sent < 100_000
    assert peak < 20_000_000


def test_behind_a_redirect_to_a_cdn_it_costs_one_request_more(big):
    with StandInFiles(host="localhost") as cdn, StandInFiles(cdn=cdn) as hub:
        result = scan(hub, big["evil"], headers={"Authorization": "Bearer secret"})
        assert result.outcome is Outcome.DANGEROUS
        assert (len(hub.requests), len(cdn.requests)) == (1, 3)
        assert set(cdn.authorizations) == {None}
        assert result.cost.requests == 4


def test_says_what_was_and_what_was_not_looked_at(site):
    result = scan(site, torch_zip([("data.pkl", HONEST), ("data/0", b"0" * 99), ("version", b"3\n")]))
    assert result.outcome is Outcome.NOTHING_FOUND
    assert result.method == METHOD
    assert result.format is Format.TORCH_ZIP
    assert result.coverage.looked_at == (
        "the directory of 3 members",
        "archive/data.pkl: 16 opcodes, 1 complete pickle",
    )
    assert result.coverage.not_looked_at == (
        "2 members with names of other kinds, which can hold pickles, too",
        "what the imported names do when they are called",
    )
    assert result.second_opinion.outcome is Outcome.NOTHING_FOUND
    assert result.globals == (Global("collections", "OrderedDict", Danger.ORDINARY),)


def test_no_outcome_promises_safety():
    assert not {"safe", "clean", "ok"} & set(Outcome)


@pytest.mark.parametrize("name", ["data.pkl", "DATA.PKL", "constants.pkl", "extra/x.pickle"])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_finds_a_payload_in_every_pickle_of_the_zip(site, name, compression):
    result = scan(site, torch_zip([("first.pkl", HONEST), (name, EVIL)], compression))
    assert (result.outcome, result.globals[0]) == (Outcome.DANGEROUS, SYSTEM)
    assert result.second_opinion.outcome is Outcome.DANGEROUS


def test_reads_zip64_and_streamed_members_and_comments(site):
    buffer = io.BytesIO()
    buffer.seekable = lambda: False
    with zipfile.ZipFile(buffer, "w") as archive:
        with archive.open("archive/data.pkl", "w", force_zip64=True) as member:
            member.write(EVIL)
        archive.comment = b"c" * 40_000
    assert scan(site, buffer.getvalue()).outcome is Outcome.DANGEROUS


def with_zip64_end(archive, count=None):
    """The zip with the end records torch writes: two, the wide one with `count` members if given."""
    end = archive.rfind(b"PK\x05\x06")
    real, length, start = struct.unpack_from("<H2L", archive, end + 10)
    wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count or real, count or real, length, start)
    return archive[:end] + wide + struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1) + archive[end:]


def test_reads_the_end_records_torch_writes(site):
    assert scan(site, with_zip64_end(torch_zip([("data.pkl", EVIL)]))).outcome is Outcome.DANGEROUS
    assert "contradict" in scan(site, with_zip64_end(torch_zip([("data.pkl", EVIL)]), 2)).reason


def patched(archive, mark, offset, change, occurrence=0):
    at = -1
    for _ in range(occurrence + 1):
        at = archive.index(mark, at + 1)
    return archive[: at + offset] + change + archive[at + offset + len(change) :]


ARCHIVE = torch_zip([("data.pkl", HONEST), ("data/0", b"0" * 200), ("x.pkl", EVIL)])
CENTRAL, LOCAL, END = b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (ARCHIVE[:-1], "no end record"),
        (ARCHIVE[:-40], "no end record"),
        (ARCHIVE + b"x", "end record is not at its end"),
        (ARCHIVE[:4] + b"prefix" + ARCHIVE[4:], "directory is not where"),
        (patched(ARCHIVE, END, 10, b"\x09\x00"), "several parts"),
        (patched(ARCHIVE, END, 8, b"\x09\x00\x09\x00"), "as many members"),
        (patched(ARCHIVE, END, 8, b"\x01\x00\x01\x00"), "directory is broken"),
        (patched(ARCHIVE, END, 8, b"\xff\xff\xff\xff"), "zip64 end record is missing"),
        (patched(ARCHIVE, END, 16, b"\x00\x00\x00\x00"), "directory is not where"),
        (patched(ARCHIVE, CENTRAL, 20, b"\xf0\xff\xff\x7f"), "beyond"),
        (patched(ARCHIVE, CENTRAL, 42, b"\xf0\xff\xff\x7f"), "beyond"),
        (patched(ARCHIVE, CENTRAL, 20, b"\xff\xff\xff\xff"), "size or place in its directory is missing"),
        (patched(ARCHIVE, CENTRAL, 28, b"\xff\xff"), "directory is broken"),
        (patched(ARCHIVE, CENTRAL, 42, b"\x00\x00\x00\x00", 2), "overlap"),
        (patched(ARCHIVE, CENTRAL, 24, b"\x05\x00\x00\x00"), "contradicts the directory"),
        (patched(ARCHIVE, LOCAL, 30, b"other"), "contradicts the directory"),
        (patched(ARCHIVE, LOCAL, 8, b"\x08\x00"), "contradicts the directory"),
        (patched(ARCHIVE, LOCAL, 14, b"\x01\x02\x03\x04"), "contradicts the directory"),
        (patched(ARCHIVE, LOCAL, 0, b"PK\x03\x05", 2), "no member where"),
    ],
)
def test_a_zip_that_contradicts_itself_has_failed_and_is_not_fine(site, archive, reason):
    result = scan(site, archive)
    assert result.outcome is Outcome.FAILED
    assert reason in result.reason
    assert result.reason in result.coverage.not_looked_at


def test_what_was_found_before_a_failure_counts(site):
    archive = torch_zip([("data.pkl", EVIL), ("x.pkl", HONEST)])
    result = scan(site, patched(archive, LOCAL, 0, b"PK\x03\x05", 1))
    assert (result.outcome, result.reason) == (Outcome.DANGEROUS, "")
    assert any("no member where" in said for said in result.coverage.not_looked_at)


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        (patched(patched(ARCHIVE, CENTRAL, 8, b"\x01"), LOCAL, 6, b"\x01"), "encrypted"),
        (patched(patched(ARCHIVE, CENTRAL, 10, b"\x0e"), LOCAL, 8, b"\x0e"), "compressed by method 14"),
        (patched(patched(ARCHIVE, CENTRAL, 16, b"\0" * 4), LOCAL, 14, b"\0" * 4), "checksum is wrong"),
        (torch_zip([("data.pkl", b"")]), "empty"),
        (torch_zip([("data.pkl", HONEST[:-4])]), "not all of it could be read"),
        (torch_zip([(f"{number}.pkl", HONEST) for number in range(20)]), "12 of 20 pickles were not read"),
    ],
)
def test_what_could_not_be_read_is_said(site, archive, reason):
    if archive.startswith(ARCHIVE[:4]) and b"x.pkl" in archive:
        archive = archive.replace(EVIL, HONEST[: len(EVIL)])
    result = scan(site, archive)
    assert result.outcome is Outcome.FAILED
    assert any(reason in said for said in result.coverage.not_looked_at)


def test_a_zip_without_pickles_by_name_was_not_scanned(site):
    result = scan(site, torch_zip([("data.txt", EVIL)]))
    assert (result.outcome, result.reason) == (
        Outcome.NOT_SCANNED,
        "the zip has no member whose name is that of a pickle",
    )


def test_a_member_that_inflates_without_end_costs_little(site):
    bomb = torch_zip([("data.pkl", b"\x80\x02(" + b"]" * 300_000_000)], zipfile.ZIP_DEFLATED)
    started = time.process_time()
    tracemalloc.start()
    result = scan(site, bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.outcome is Outcome.FAILED
    assert "only the first 4000000 of its 300000003 bytes" in result.reason
    assert peak < 100_000_000
    assert time.process_time() - started < 30


def test_a_directory_beyond_the_budget_is_not_fetched(site):
    archive = torch_zip([(f"data/{number}", b"") for number in range(20_000)] + [("data.pkl", EVIL)])
    result = scan(site, archive, limits=Limits(most_bytes=500_000))
    assert result.outcome is Outcome.FAILED
    assert site.bytes_sent < 500_000


# --- Other files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(6))
def test_plain_pickles_are_read_from_their_beginning(site, protocol):
    result = scan(site, pickle.dumps(OrderedDict(a=1), protocol), "a.pkl")
    assert (result.outcome, result.format) == (Outcome.NOTHING_FOUND, Format.PICKLE)
    assert scan(site, pickle.dumps(1, protocol) + EVIL, "a.pkl").outcome is Outcome.DANGEROUS


def test_an_old_torch_file_is_read_as_far_as_torch_reads_it(site, tmp_path):
    weights = tmp_path / "old.bin"
    weights.write_bytes(OLD_TORCH + tensors(500) + pickle.dumps(["0", "1"], 2))
    length = weights.stat().st_size
    with weights.open("ab") as file:
        file.truncate(length + 50_000_000)
    result = scan(site, weights)
    assert (result.outcome, result.format) == (Outcome.NOTHING_FOUND, Format.TORCH)
    assert "50000000 bytes after the five pickles that torch.load reads" in result.coverage.not_looked_at
    assert (result.cost.requests, result.cost.bytes) == (2, 256_000)
    assert result.second_opinion.outcome is Outcome.NOTHING_FOUND


def test_an_old_torch_file_with_a_payload(site):
    result = scan(site, OLD_TORCH + EVIL + pickle.dumps([], 2) + b"\xff" * 1000)
    assert (result.outcome, result.globals) == (Outcome.DANGEROUS, (SYSTEM,))


def test_a_zip_behind_a_pickle_is_read_as_torch_reads_it(site):
    """torch.load takes a file for a zip only if it begins as one."""
    result = scan(site, EVIL + torch_zip([("data.pkl", HONEST)]))
    assert (result.outcome, result.format) == (Outcome.DANGEROUS, Format.PICKLE)


def test_a_pickle_larger_than_the_cap_has_not_been_read(site, tmp_path):
    large = tmp_path / "large.pkl"
    with large.open("wb") as file:
        file.write(b"\x80\x04B" + struct.pack("<I", 10_000_000))
        file.truncate(10_000_007)
        file.seek(10_000_007)
        file.write(EVIL[2:])
    result = scan(site, large, "large.pkl")
    assert result.outcome is Outcome.FAILED
    assert "only the first 4000000 of 10000031 bytes were read" in result.coverage.not_looked_at
    assert result.cost.requests == 3


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("model.safetensors", b"", "no scan for files of the format safetensors"),
        ("model.h5", b"", "no scan for files of the format hdf5"),
        ("model.gguf", b"", "no scan for files of the format gguf"),
        ("README.md", b"", "no scan for files of the format other"),
        ("model.bin", b"GGUF\x03\0\0\0", "by its content it is gguf"),
        ("model.bin", b"7z\xbc\xaf\x27\x1c1234", "by its content it is 7z"),
        ("model.pt", b"a" * 257 + b"ustar" + b"a" * 300, "by its content it is tar"),
        ("model.bin", struct.pack("<Q", 2) + b"{}", "by its content it is safetensors"),
        ("model.bin", b"\xff\xfe\xfd", "does not begin with a pickle"),
    ],
)
def test_what_is_not_scanned_says_why(site, path, content, reason):
    result = scan(site, content, path)
    assert result.outcome is Outcome.NOT_SCANNED
    assert reason in result.reason


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("ignores_ranges", Outcome.NOT_SCANNED),
        ("ignores_ranges_without_length", Outcome.NOT_SCANNED),
        ("gated", Outcome.NOT_SCANNED),
        ("rate_limited", Outcome.NOT_SCANNED),
        ("range_not_satisfiable", Outcome.NOT_SCANNED),
        ("compressed", Outcome.NOT_SCANNED),
        ("unavailable", Outcome.FAILED),
        ("hang_up", Outcome.FAILED),
        ("truncated", Outcome.FAILED),
        ("other_part", Outcome.FAILED),
        ("no_content_range", Outcome.FAILED),
        ("endless_part", Outcome.FAILED),
        ("slow", Outcome.FAILED),
    ],
)
@pytest.mark.parametrize("after", [0, 1])
def test_no_fault_of_a_server_looks_like_nothing_found(site, big, fault, outcome, after):
    site.fault, site.fault_after = fault, after
    result = scan(site, big["evil"], limits=Limits(seconds=1))
    assert result.outcome is outcome
    assert result.reason
    assert result.cost.bytes < 200_000


def test_a_size_that_is_not_the_hubs_has_failed(site):
    assert "bytes here and 5 there" in scan(site, ARCHIVE, size=5).reason


def test_a_missing_file_and_no_address_are_not_scanned(site):
    assert scan_file("a.bin", f"{site.url}/missing").reason == "HTTP 404"
    assert scan_file("a.bin", "http://[::1").outcome is Outcome.NOT_SCANNED


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_change_of_a_zip_makes_it_raise_or_read_on(site, data):
    archive = bytearray(with_zip64_end(ARCHIVE) if data.draw(st.booleans()) else ARCHIVE)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(archive) - 1))
        change = data.draw(st.binary(min_size=1, max_size=8))
        archive[at : at + len(change)] = change
    result = scan(
        site, bytes(archive[: data.draw(st.integers(0, len(archive)))] if data.draw(st.booleans()) else archive)
    )
    assert result.outcome in Outcome
    assert result.cost.requests <= 12
    assert bool(result.reason) == (result.outcome in {Outcome.FAILED, Outcome.NOT_SCANNED})


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_the_directory_reader_raises_its_own_error_only(data):
    archive = bytearray(with_zip64_end(ARCHIVE))
    for _ in range(data.draw(st.integers(1, 6))):
        archive[data.draw(st.integers(len(archive) - 400, len(archive) - 1))] = data.draw(st.integers(0, 255))

    def read(start, length):
        assert start >= 0
        return bytes(archive[start : start + length])

    try:
        for entry in torchzip.read_directory(read, len(archive)):
            assert len(torchzip.read_member(read, entry, 1000).data) <= 1000
    except torchzip.BrokenZipError:
        pass


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/Model.SAFETENSORS", Format.SAFETENSORS),
        ("pytorch_model-00001-of-00002.bin", Format.TORCH),
        ("optimizer.pt", Format.TORCH),
        ("scaler.joblib", Format.PICKLE),
        ("model.onnx", Format.ONNX),
        ("tf_model.h5", Format.HDF5),
        ("weights.npz", Format.NUMPY),
        ("modeling_x.py", Format.CODE),
        ("tokenizer", Format.OTHER),
    ],
)
def test_formats_by_name(path, expected):
    assert by_name(path) is expected


def test_formats_by_content():
    assert by_content(b"", 0, "a.bin") is None
    assert by_content(b"\x93NUMPY", 100, "a.npy") is Format.NUMPY
    assert by_content(b"PK\x03\x04", 100, "a.npz") is Format.ZIP
    assert by_content(b"PK\x03\x04", 100, "a.pkl") is Format.TORCH_ZIP
    assert by_content(struct.pack("<Q", 200) + b"{", 100, "a.bin") is None


# --- What the hub says ---------------------------------------------------------------------------------------------

# The form of the Hub's answers, by its OpenAPI document; the values are made up.
PATHS_INFO = [
    {
        "type": "file",
        "oid": "0" * 40,
        "size": 1000,
        "path": "pytorch_model.bin",
        "lfs": {"oid": "0" * 64, "size": 1000, "pointerSize": 134},
        "securityFileStatus": {
            "status": "unsafe",
            "jFrogScan": {
                "status": "unsafe",
                "message": "This model can\nrun\u202e code",
                "reportLink": "https://research.jfrog.com/x",
                "reportLabel": "See report",
                "version": "1.2",
            },
            "protectAiScan": {"status": "queued", "reportLink": "javascript:alert(1)"},
            "avScan": {"status": "safe", "version": "1.4/27000"},
            "virusTotalScan": {"status": "unscanned"},
            "pickleImportScan": {
                "status": "unsafe",
                "pickleImports": [
                    {"module": "posix", "name": "system", "safety": "dangerous"},
                    {"module": "torch", "name": "FloatStorage", "safety": "innocuous"},
                ],
                "version": "0.0.0",
            },
            "laterScan": {"status": "brilliant"},
        },
    },
    {"type": "file", "path": "config.json", "size": 10},
    {"type": "directory", "path": "onnx"},
]


def test_keeps_every_scanner_of_a_file():
    verdicts = read_file_verdicts(json.loads(json.dumps(PATHS_INFO)))
    assert list(verdicts) == ["pytorch_model.bin"]
    by_scanner = {verdict.scanner: verdict for verdict in verdicts["pytorch_model.bin"]}
    assert {name: (verdict.status.value, verdict.meaning.value) for name, verdict in by_scanner.items()} == {
        "": ("unsafe", "issues_reported"),
        "av": ("safe", "no_issues_reported"),
        "jFrog": ("unsafe", "issues_reported"),
        "later": ("unrecognised", "unknown"),
        "pickleImport": ("unsafe", "issues_reported"),
        "protectAi": ("queued", "unknown"),
        "virusTotal": ("unscanned", "unknown"),
    }
    assert by_scanner["jFrog"].message == "This model can run\ufffd code"
    assert (by_scanner["jFrog"].link, by_scanner["jFrog"].version) == ("https://research.jfrog.com/x", "1.2")
    assert by_scanner["protectAi"].link == ""
    assert by_scanner["pickleImport"].globals[0] == SYSTEM


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("safe", Meaning.NO_ISSUES_REPORTED),
        ("caution", Meaning.ISSUES_REPORTED),
        ("suspicious", Meaning.ISSUES_REPORTED),
        ("unsafe", Meaning.ISSUES_REPORTED),
        ("unscanned", Meaning.UNKNOWN),
        ("queued", Meaning.UNKNOWN),
        ("error", Meaning.UNKNOWN),
        ("SAFE", Meaning.UNKNOWN),
        (None, Meaning.UNKNOWN),
        (["safe"], Meaning.UNKNOWN),
    ],
)
def test_only_the_word_safe_means_that_no_issues_were_reported(status, meaning):
    answer = [{"path": "a.bin", "securityFileStatus": {"status": status}}]
    assert read_file_verdicts(answer)["a.bin"][0].meaning is meaning


def test_reads_the_status_of_a_repository():
    said = {"scansDone": True, "filesWithIssues": [{"path": "b", "level": "unsafe"}, {"path": "a", "level": "x"}]}
    for document in (said, {"_id": "1", "securityRepoStatus": said}):
        status = read_repository_status(document)
        assert status.scans_done is True
        assert [(file.path, file.level) for file in status.files_with_issues] == [
            ("a", HubStatus.UNRECOGNISED),
            ("b", HubStatus.UNSAFE),
        ]
    assert read_repository_status({}) == read_repository_status({"securityRepoStatus": None}) == RepositoryStatus()
    assert read_repository_status({"scansDone": "yes"}).scans_done is None


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "path",
                        "status",
                        "securityFileStatus",
                        "avScan",
                        "pickleImports",
                        "filesWithIssues",
                        "reportLink",
                    ),
                    *("securityRepoStatus", "auto_map", "message", "module", "scansDone", "level"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(ANY_JSON)
def test_no_answer_makes_reading_raise(document):
    read_file_verdicts(document)
    read_file_verdicts([{"path": "a", "securityFileStatus": document}])
    status = read_repository_status(document)
    find_risks(["a.bin"], configs={"config.json": document}, status=status, chat_template=document)


# --- Repositories --------------------------------------------------------------------------------------------------

DONE = RepositoryStatus(scans_done=True)


def kinds(*paths, configs=None, status=DONE, **more):
    return {risk.kind: risk for risk in find_risks(paths, configs=configs or {}, status=status, **more)}


def test_a_repository_of_safetensors_has_no_risk_to_mention():
    assert kinds("model.safetensors", "config.json", configs={"config.json": {"auto_map": {}}}) == {}


def test_mentions_pickles_and_code():
    risks = kinds("a.bin", "b.safetensors", "modeling.py")
    assert risks[FindingKind.PICKLES].evidence == ("a.bin",)
    assert "weights in a format without code" in risks[FindingKind.PICKLES].detail
    assert risks[FindingKind.CODE_FILES].evidence == ("modeling.py",)


def test_mentions_remote_code_wherever_it_is_named():
    configs = {
        "config.json": {
            "auto_map": {"AutoModel": "modeling_x.Model", "AutoConfig": "acme/other--configuration.Config"}
        },
        "tokenizer_config.json": {"auto_map": {"AutoTokenizer": ["tok.Slow", None]}},
        "sub/config.json": {"text_config": {"auto_map": "odd.Form"}},
    }
    assert kinds("config.json", configs=configs)[FindingKind.REMOTE_CODE].evidence == (
        "config.json: acme/other--configuration.Config",
        "config.json: modeling_x.Model",
        "sub/config.json: odd.Form",
        "tokenizer_config.json: tok.Slow",
    )


def test_remote_code_of_odd_configurations():
    assert remote_code({"auto_map": 5}) == ["auto_map"]
    assert remote_code({"auto_map": None}) == remote_code(None) == remote_code([1]) == []
    nested = {}
    for _ in range(500):
        nested = {"x": nested}
    assert remote_code(nested) == []


def test_a_chat_template_is_an_unknown_risk():
    assert "may have" in kinds("a.gguf")[FindingKind.CHAT_TEMPLATE].detail
    assert "have a chat template" in kinds("a.gguf", chat_template="{{ x }}")[FindingKind.CHAT_TEMPLATE].detail


def test_scans_that_are_not_done_mean_nothing_yet():
    assert "means nothing yet" in kinds(status=RepositoryStatus())[FindingKind.HUB_SCAN_UNFINISHED].detail
    status = read_repository_status({"scansDone": False, "filesWithIssues": [{"path": "a", "level": "unsafe"}]})
    risks = kinds(status=status)
    assert risks[FindingKind.HUB_REPORTS_ISSUES].evidence == ("a: unsafe",)
    assert FindingKind.HUB_SCAN_UNFINISHED in risks


def test_long_evidence_is_cut_and_says_so():
    evidence = kinds(*(f"{number:03}.bin" for number in range(150)))[FindingKind.PICKLES].evidence
    assert (len(evidence), evidence[-1]) == (101, "and 50 more")


def test_describes_each_file(site):
    result = scan(site, ARCHIVE)
    verdicts = read_file_verdicts(PATHS_INFO)
    files = describe_files(["pytorch_model.bin", "config.json"], verdicts, {"pytorch_model.bin": result})
    assert [file.path for file in files] == ["config.json", "pytorch_model.bin"]
    assert files[0].verdicts == ()
    assert files[0].scan is None
    assert files[1].scan is result
    assert len(files[1].verdicts) == 7
