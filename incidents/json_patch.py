"""What changed between two JSON values, as a JSON Patch (RFC 6902) that makes one of the other. Pure."""

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

Operation = dict[str, Any]


def json_patch(before: Any, after: Any, path: str = "") -> list[Operation]:
    """The operations `add`, `remove` and `replace` that turn `before` into `after`, in the order of their application.

    Entries of a list that both have stay where they are, so that one more entry is one operation.
    """
    return list(_operations(before, after, path))


def _operations(before: Any, after: Any, path: str) -> Iterator[Operation]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_objects(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, path)
    elif _same(before) != _same(after):
        yield {"op": "replace", "path": path, "value": after}


def _of_objects(before: dict[str, Any], after: dict[str, Any], path: str) -> Iterator[Operation]:
    for name in sorted({*before, *after}):
        place = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        if name not in after:
            yield {"op": "remove", "path": place}
        elif name not in before:
            yield {"op": "add", "path": place, "value": after[name]}
        else:
            yield from _operations(before[name], after[name], place)


def _of_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Operation]:
    compared = SequenceMatcher(None, [*map(_same, before)], [*map(_same, after)], autojunk=False)
    for _, start, end, begins, ends in compared.get_opcodes():
        both = min(end - start, ends - begins)
        # What stands before is by now as in `after`: places are counted there.
        for offset in range(both):
            yield from _operations(before[start + offset], after[begins + offset], f"{path}/{begins + offset}")
        for place in range(begins + both, ends):
            yield {"op": "add", "path": f"{path}/{place}", "value": after[place]}
        for _ in range(start + both, end):
            yield {"op": "remove", "path": f"{path}/{begins + both}"}


def _same(value: Any) -> str:
    """Equal for equal JSON values alone: to Python, true is 1 and 1 is 1.0."""
    return json.dumps(value, sort_keys=True)
