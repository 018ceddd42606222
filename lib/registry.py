"""A plug-in is a file in a folder: importing the folder's package finds them all."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any


@cache
def plugins(package: str, attribute: str) -> dict[str, Any]:
    """Every module's `attribute` in `package`, keyed by the module's name, in alphabetical order.

    Raises AttributeError, naming the module, where a file in the folder does not define it.
    """
    folder = import_module(package)
    names = sorted(module.name for module in iter_modules(folder.__path__))
    return {name: getattr(import_module(f"{package}.{name}"), attribute) for name in names}
