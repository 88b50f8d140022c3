"""What the report of a move says."""

from django_q.management.moving.report import Part, Report
from django_q.management.moving.writing import Item


def test_rows_are_counted_by_reason_with_a_few_examples():
    history = Part("History")
    report = Report("Django Q2", "default", dry_run=False, parts={"history": history})
    for number in range(7):
        history.leave("it is odd", f"row {number}")
    history.count([Item("a", "row a", None, notes=["it is new"]), Item("b", "row b", None)], [])

    assert report.left == 7
    assert list(history.lines()) == [
        "History: 0 found, 2 moved, 0 moved before, 7 not moved",
        "  not moved  7: it is odd (row 0, row 1, row 2, row 3, row 4, …)",
        "  note       1: it is new (row a)",
    ]


def test_what_the_database_refused_is_not_counted_as_moved():
    queued = Part("Queued tasks")
    report = Report("Django Q", "default", dry_run=False, parts={"queued": queued})
    good, bad, done = Item("a", "row a", None), Item("b", "row b", None), Item("c", "row c", None, is_needless=True)

    queued.count([good, bad, done], [(bad, "the database refuses it: too long")])

    assert (queued.moved, queued.left, queued.needless) == (1, 1, 1)
    assert report.as_dict()["queued"]["stays"] == [
        {"text": "the database refuses it: too long", "count": 1, "examples": ["row b"]}
    ]
