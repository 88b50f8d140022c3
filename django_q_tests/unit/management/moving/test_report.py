"""What the report of a move says."""

from django_q.management.moving.report import Report
from django_q.management.moving.writing import Item


def test_rows_are_counted_by_reason_with_a_few_examples():
    report = Report("Django Q2", "default", dry_run=False)
    for number in range(7):
        report.history.leave("it is odd", f"row {number}")
    report.history.count([Item("a", "row a", None, notes=["it is new"]), Item("b", "row b", None)], [])

    assert report.left == 7
    assert list(report.history.lines()) == [
        "History: 0 found, 2 moved, 0 moved before, 7 not moved",
        "  not moved  7: it is odd (row 0, row 1, row 2, row 3, row 4, …)",
        "  note       1: it is new (row a)",
    ]


def test_what_the_database_refused_is_not_counted_as_moved():
    report = Report("Django Q", "default", dry_run=False)
    good, bad, done = Item("a", "row a", None), Item("b", "row b", None), Item("c", "row c", None, is_needless=True)

    report.queued.count([good, bad, done], [(bad, "the database refuses it: too long")])

    assert (report.queued.moved, report.queued.left, report.queued.needless) == (1, 1, 1)
    assert report.as_dict()["queued"]["stays"] == [
        {"text": "the database refuses it: too long", "count": 1, "examples": ["row b"]}
    ]
