"""CSV that is read back as it was written, and never run."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from lib.tables import csv_bytes, lines, safe, unsafe

DANGEROUS = tuple("=+-@\t\r\n|%＝＋－＠−")  # noqa: RUF001 - full width on purpose
# Any text that JSON and PostgreSQL can hold, and often one that begins as a formula does.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
NASTY = st.builds(str.__add__, st.sampled_from([*DANGEROUS, " =", "'", "''=", '"', ",", "\ufeff=", ""]), TEXTS)


@given(NASTY)
def test_no_cell_starts_a_formula_and_each_reads_back(text):
    cell = safe(text)
    assert not cell.lstrip(" \xa0\ufeff\u200b").startswith(DANGEROUS)
    assert unsafe(cell) == text


def test_what_a_spreadsheet_would_run_is_written_as_text():
    rows = csv_bytes(["a"], [["=1+1"], ["@SUM(A1)"], ["-2"], ["'as it is"], ["plain"], [None], [-2]]).decode()
    assert rows.split("\r\n") == ["a", "'=1+1", "'@SUM(A1)", "'-2", "''as it is", "plain", '""', "-2", ""]


@given(st.lists(st.lists(NASTY, min_size=2, max_size=2)))
def test_a_table_comes_back_whole(rows):
    read = list(csv.reader(io.StringIO(csv_bytes(["a", "b"], rows).decode(), newline="")))[1:]
    assert [[unsafe(cell) for cell in row] for row in read] == rows
    assert not [cell for row in read for cell in row if cell.startswith(DANGEROUS)]


def test_it_is_rfc_4180():
    assert lines([["a", 'b"c', "d\r\ne", "f,g"]]) == b'a,"b""c","d\r\ne","f,g"\r\n'
