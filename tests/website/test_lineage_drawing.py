"""A model's lineage, drawn."""

from hypothesis import given
from hypothesis import strategies as st

from incidents.public_models import Relative
from website.lineage_drawing import BOX, COLUMN, MOST_ROWS, drawing


def relative(*way, records=0):
    return Relative(way[-1], way, ("finetune",) * (len(way) - 1), records)


def test_a_model_alone_is_not_drawn():
    assert drawing("org/name", 1, [], []) is None


def test_bases_stand_to_the_left_and_derivatives_to_the_right():
    drawn = drawing("m", 2, [relative("m", "base", records=3), relative("m", "base", "root")], [relative("m", "child")])
    places = {box.name: box.x for box in drawn.boxes}
    assert places["root"] < places["base"] < places["m"] < places["child"]
    assert len(drawn.lines) == 3
    assert [box.name for box in drawn.boxes if box.itself] == ["m"]
    assert {box.name: box.records for box in drawn.boxes}["base"] == 3


def test_what_does_not_fit_is_counted():
    many = [relative("m", f"child-{number:02}") for number in range(MOST_ROWS + 5)]
    beyond = relative("m", "child-14", "grandchild")  # of one that is not drawn
    drawn = drawing("m", 0, [], [*many, beyond])
    assert len(drawn.boxes) == 1 + MOST_ROWS
    assert drawn.left_out == 6


def test_models_with_more_records_are_drawn_first():
    many = [relative("m", f"child-{number:02}", records=number) for number in range(MOST_ROWS + 5)]
    drawn = drawing("m", 0, [], many)
    assert "child-14" in {box.name for box in drawn.boxes}
    assert "child-00" not in {box.name for box in drawn.boxes}


@st.composite
def families(draw):
    """Relatives by shortest ways: each new one derives from the model or from one before."""
    ways = [("m",)]
    for number in range(draw(st.integers(0, 40))):
        ways.append((*draw(st.sampled_from(ways)), f"r{number}"))
    return [relative(*way) for way in ways[1:]]


@given(families(), families())
def test_no_two_boxes_overlap_and_all_are_inside(bases, derivatives):
    drawn = drawing("m", 0, bases, derivatives)
    if drawn is None:
        assert not bases
        assert not derivatives
        return
    assert drawn.left_out + len(drawn.boxes) - 1 == len(bases) + len(derivatives)
    assert len(drawn.lines) == len(drawn.boxes) - 1
    for one in drawn.boxes:
        assert 0 <= one.x <= drawn.width - COLUMN
        assert 0 <= one.y <= drawn.height - BOX
        others = [box for box in drawn.boxes if box is not one and box.x == one.x]
        assert all(abs(one.y - other.y) >= BOX for other in others)
