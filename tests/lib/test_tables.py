"""CSV that is read back as it was written, and never run."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from lib.tables import csv_bytes


def test_what_a_spreadsheet_would_run_is_written_as_text():
    rows = csv_bytes(["a"], [["=1+1"], ["@SUM(A1)"], ["-2"], ["plain"], [None], [-2]]).decode().split("\r\n")
    assert rows == ["a", "'=1+1", "'@SUM(A1)", "'-2", "plain", '""', "-2", ""]


@given(st.lists(st.lists(st.text(st.characters(blacklist_categories=["Cs"])), min_size=2, max_size=2)))
def test_every_other_text_comes_back_whole(rows):
    read = list(csv.reader(io.StringIO(csv_bytes(["a", "b"], rows).decode(), newline="")))[1:]
    assert [[cell.removeprefix("'") for cell in row] for row in read] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
    assert not [cell for row in read for cell in row if cell[:1] in {"=", "+", "-", "@", "\t", "\r"}]
