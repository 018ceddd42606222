"""What a file is: by its name, and by its first bytes where they were read."""

from pathlib import PurePosixPath

from catalogue.filesafety.findings import Format

_BY_SUFFIX = {
    **dict.fromkeys((".safetensors",), Format.SAFETENSORS),
    **dict.fromkeys((".gguf", ".ggml"), Format.GGUF),
    **dict.fromkeys((".bin", ".pt", ".pth", ".ckpt", ".pt2", ".ptl"), Format.TORCH),
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".p", ".pck"), Format.PICKLE),
    **dict.fromkeys((".onnx",), Format.ONNX),
    **dict.fromkeys((".h5", ".hdf5"), Format.HDF5),
    **dict.fromkeys((".keras",), Format.KERAS),
    **dict.fromkeys((".npy", ".npz"), Format.NUMPY),
    **dict.fromkeys((".zip", ".mar"), Format.ZIP),
    **dict.fromkeys((".7z",), Format.SEVEN_ZIP),
    **dict.fromkeys((".tar", ".nemo"), Format.TAR),
    **dict.fromkeys((".gz", ".tgz"), Format.GZIP),
    **dict.fromkeys((".py", ".pyc", ".so", ".dll", ".ipynb", ".sh"), Format.CODE),
}
_MAGIC = (
    (b"PK\x03\x04", Format.ZIP),
    (b"PK\x05\x06", Format.ZIP),
    (b"GGUF", Format.GGUF),
    (b"\x89HDF\r\n\x1a\n", Format.HDF5),
    (b"\x93NUMPY", Format.NUMPY),
    (b"7z\xbc\xaf\x27\x1c", Format.SEVEN_ZIP),
    (b"\x1f\x8b", Format.GZIP),
    *((bytes([0x80, protocol]), Format.PICKLE) for protocol in range(6)),
)
_PICKLES = frozenset({Format.TORCH, Format.TORCH_ZIP, Format.PICKLE})
_TAR_AT, _TAR = 257, b"ustar"
_LENGTH_OF_HEADER = 8


def by_name(path: str) -> Format:
    """What the name says; `other` where it says nothing."""
    return _BY_SUFFIX.get(PurePosixPath(path).suffix.lower(), Format.OTHER)


def by_content(head: bytes, size: int, path: str) -> Format | None:
    """What the first bytes say, of a file of `size` bytes; None where they say nothing.

    A zip is a torch zip only by its name: what is in it is for who reads its directory. Pickles of protocol 0 and 1,
    ONNX and most others have no mark at all.
    """
    for mark, kind in _MAGIC:
        if head.startswith(mark):
            return Format.TORCH_ZIP if kind is Format.ZIP and by_name(path) in _PICKLES else kind
    if head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return Format.TAR
    length = int.from_bytes(head[:_LENGTH_OF_HEADER], "little")
    is_safetensors = head[_LENGTH_OF_HEADER : _LENGTH_OF_HEADER + 1] == b"{" and length <= size - _LENGTH_OF_HEADER
    return Format.SAFETENSORS if is_safetensors else None


def may_hold_pickles(path: str) -> bool:
    """Whether files of this name are loaded by unpickling, as a rule."""
    return by_name(path) in _PICKLES
