"""Another node, which each test of following may have."""

from collections.abc import Iterator

import pytest

from tests.stand_ins.node import Node


@pytest.fixture
def node() -> Iterator[Node]:
    """One that is honest unless a test says otherwise."""
    node = Node()
    yield node
    node.stop()
