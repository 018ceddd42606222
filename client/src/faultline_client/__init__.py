"""A client of Faultline nodes: `node` speaks HTTP, `command` is the program `faultline`."""

__version__ = "0.1.0"
