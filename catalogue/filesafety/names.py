"""Which names a pickle may import without concern, and which run commands. The table is ours; additions are welcome.

dangerous:  calling it runs commands or code, loads native code, opens connections, or writes files.
suspicious: calling it reaches other names, loads further pickles or files, or is a known step of published bypasses.
ordinary:   what torch, numpy and Python write into the checkpoints of honest people. By exact name only.
unknown:    everything else. A name nobody looked at is no reassurance: a scan that meets one ends as suspicious.
"""

from catalogue.filesafety.findings import Danger, Global, shown

COMPUTED = ("(computed while loading)", "(computed while loading)")
EXTENSION = "(copyreg extension)"

# With all their submodules.
_DANGEROUS_MODULES = frozenset(
    {
        # the operating system, processes, files
        *("os", "posix", "nt", "sys", "subprocess", "_posixsubprocess", "commands", "popen2", "shutil", "pty"),
        *("_winapi", "winreg", "_winreg", "msvcrt", "tempfile", "fileinput", "multiprocessing", "threading", "_thread"),
        *("_osx_support", "_aix_support", "_pyrepl", "distutils", "asyncio"),
        # running or loading code
        *("runpy", "code", "codeop", "bdb", "pdb", "cProfile", "profile", "timeit", "trace", "doctest", "pydoc"),
        *("importlib", "_frozen_importlib", "_frozen_importlib_external", "imp", "pkgutil", "zipimport", "site"),
        *("pip", "ensurepip", "venv", "idlelib", "lib2to3", "test", "unittest", "ctypes", "_ctypes", "cffi"),
        *("webbrowser", "antigravity", "turtledemo", "sqlite3", "IPython", "rlcompleter", "modulefinder"),
        *("numpy.f2py", "numpy.testing", "numpy.distutils", "torch._inductor", "torch._dynamo"),
        *("torch.utils._config_module", "torch.utils.cpp_extension", "torch.utils.bottleneck"),
        *("torch.utils.collect_env", "torch.utils.data.datapipes", "torch.hub", "torch.package", "torch.ops"),
        *("torch._ops", "torch.fx.experimental", "torch.jit.unsupported_tensor_ops", "torch.distributed.rpc"),
        *("torch.distributed.run", "torch.distributed.elastic", "torch.distributed.launcher", "triton"),
        # the network
        *("socket", "_socket", "ssl", "_ssl", "socketserver", "http", "httplib", "urllib", "urllib2", "urllib3"),
        *("requests", "aiohttp", "httpx", "ftplib", "smtplib", "telnetlib", "imaplib", "poplib", "nntplib", "xmlrpc"),
        *("paramiko", "fabric", "wsgiref"),
        # pickles inside pickles, which escape this scan
        *("pickle", "_pickle", "cPickle", "pickletools", "dill", "cloudpickle", "marshal", "shelve"),
    }
)
# Modules that many others import for themselves: `torch.serialization` has an `os`, and with it `os.system`.
_DANGEROUS_STEPS = frozenset(
    {
        *("os", "posix", "nt", "sys", "subprocess", "shutil", "pty", "runpy", "importlib", "ctypes", "socket"),
        *("pickle", "marshal", "builtins"),
    }
)
_BUILTINS = frozenset(
    {
        *("eval", "exec", "execfile", "compile", "open", "file", "input", "raw_input", "breakpoint", "__import__"),
        *("getattr", "setattr", "delattr", "globals", "locals", "vars", "apply", "exit", "quit", "help"),
    }
)
_DANGEROUS_NAMES = {
    "builtins": _BUILTINS,
    "__builtin__": _BUILTINS,
    "types": frozenset({"CodeType", "FunctionType", "LambdaType", "MethodType"}),
    "operator": frozenset({"attrgetter", "methodcaller"}),
    "_operator": frozenset({"attrgetter", "methodcaller"}),
    "io": frozenset({"open", "open_code", "FileIO", "OpenWrapper"}),
    "_io": frozenset({"open", "open_code", "FileIO"}),
    "logging": frozenset({"FileHandler", "basicConfig"}),
    "logging.config": frozenset({"dictConfig", "fileConfig", "listen"}),
    "logging.handlers": frozenset({"SocketHandler", "HTTPHandler", "SMTPHandler", "RotatingFileHandler"}),
    "numpy": frozenset({"load", "fromfile", "memmap", "save", "savetxt"}),
    "torch": frozenset({"load", "save", "compile"}),
    "torch.serialization": frozenset({"load", "save"}),
    "torch.jit": frozenset({"load", "save"}),
    "joblib": frozenset({"load", "dump"}),
    "pandas": frozenset({"eval", "read_pickle", "read_sql"}),
    "uuid": frozenset({"_get_command_stdout", "_popen"}),
    "yaml": frozenset({"load", "unsafe_load", "full_load", "load_all", "unsafe_load_all"}),
}
_SUSPICIOUS_MODULES = frozenset(
    {
        *(
            "functools",
            "operator",
            "_operator",
            "types",
            "logging",
            "io",
            "_io",
            "itertools",
            "builtins",
            "__builtin__",
        ),
        *("pathlib", "glob", "linecache", "codecs", "zipfile", "tarfile", "copyreg", "copy_reg", "weakref", "ast"),
        *(
            "joblib",
            "yaml",
            "jinja2",
            "pandas",
            "numexpr",
            "sympy",
            "torch.storage",
            "torch.serialization",
            "torch.jit",
        ),
        *("torch.fx", "keras", "tensorflow", "setuptools", "concurrent", "inspect", "platform", "signal", "sched"),
        *("atexit", "gc", "mmap", "posixpath", "ntpath", "uuid", "__main__", EXTENSION),
    }
)
_STORAGES = frozenset(
    {
        *("LongStorage", "FloatStorage", "HalfStorage", "DoubleStorage", "BFloat16Storage", "BoolStorage"),
        *("CharStorage", "ShortStorage", "IntStorage", "ByteStorage", "ComplexFloatStorage", "ComplexDoubleStorage"),
        *("QUInt8Storage", "QInt8Storage", "QInt32Storage", "QUInt4x2Storage", "QUInt2x4Storage"),
    }
)
_DTYPES = frozenset(
    {
        *("float16", "float32", "float64", "bfloat16", "float8_e4m3fn", "float8_e5m2", "complex64", "complex128"),
        *(
            "int8",
            "int16",
            "int32",
            "int64",
            "uint8",
            "uint16",
            "uint32",
            "uint64",
            "bool",
            "quint8",
            "qint8",
            "qint32",
        ),
    }
)
_VALUES = frozenset(
    {
        *("set", "frozenset", "bytearray", "complex", "slice", "range", "xrange", "list", "dict", "tuple"),
        *("int", "long", "float", "str", "unicode", "bytes", "bool", "object"),
    }
)
_ARRAYS = frozenset({"_reconstruct", "scalar"})
_ORDINARY = {
    "collections": frozenset({"OrderedDict", "defaultdict", "deque", "Counter"}),
    "builtins": _VALUES,
    "__builtin__": _VALUES,
    "copyreg": frozenset({"_reconstructor"}),
    "copy_reg": frozenset({"_reconstructor"}),
    "_codecs": frozenset({"encode"}),  # how protocol 2 writes bytes
    "datetime": frozenset({"date", "datetime", "time", "timedelta", "timezone"}),
    "argparse": frozenset({"Namespace"}),
    "pathlib": frozenset({"Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"}),
    "numpy": frozenset({"dtype", "ndarray"}),
    "numpy.core.multiarray": _ARRAYS,
    "numpy._core.multiarray": _ARRAYS,
    "numpy.core.numeric": frozenset({"_frombuffer"}),
    "numpy._core.numeric": frozenset({"_frombuffer"}),
    "torch": _STORAGES | _DTYPES | frozenset({"Size", "Tensor", "device", "dtype"}),
    "torch.storage": frozenset({"UntypedStorage", "TypedStorage"}),
    "torch.nn.parameter": frozenset({"Parameter", "Buffer"}),
    "torch.serialization": frozenset({"_get_layout"}),
    "torch.torch_version": frozenset({"TorchVersion"}),
    "torch._tensor": frozenset({"_rebuild_from_type_v2"}),
    "torch._utils": frozenset(
        {
            *("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter"),
            *("_rebuild_parameter_with_state", "_rebuild_qtensor", "_rebuild_sparse_tensor"),
            *("_rebuild_sparse_csr_tensor", "_rebuild_device_tensor_from_numpy", "_rebuild_meta_tensor_no_storage"),
        }
    ),
}


def judged(module: str, name: str) -> Global:
    """The name with its danger, spelled so that it can be stored and shown."""
    return Global(shown(module), shown(name), danger(module, name))


def danger(module: str, name: str) -> Danger:
    """What importing `name` from `module` amounts to."""
    if (module, name) == COMPUTED or _is_dangerous(module, name):
        return Danger.DANGEROUS
    if name in _ORDINARY.get(module, ()):
        return Danger.ORDINARY
    # A dotted name walks from one object to the next, and so out of any module.
    if "." in name or _is_in(module, _SUSPICIOUS_MODULES):
        return Danger.SUSPICIOUS
    return Danger.UNKNOWN


def _is_dangerous(module: str, name: str) -> bool:
    steps = name.split(".")
    return (
        _is_in(module, _DANGEROUS_MODULES)
        or not _DANGEROUS_STEPS.isdisjoint(steps)
        or steps[0] in _DANGEROUS_NAMES.get(module, ())
        or not _BUILTINS.isdisjoint(steps[1:])
        or any(step.startswith("__") and step.endswith("__") for step in steps)
    )


def _is_in(module: str, modules: frozenset[str]) -> bool:
    parts = module.split(".")
    return any(".".join(parts[:length]) in modules for length in range(1, len(parts) + 1))
