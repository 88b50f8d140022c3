"""Tables that find room."""

from hypothesis import given
from hypothesis import strategies as st

from django_q.management.monitor.table import Column, Row, Table, head_line, layout, plain_lines, row_line
from django_q.management.monitor.text import text_of, width_of

COLUMNS = (Column("Id"), Column("Function", can_shrink=True), Column("Up", right=True), Column("Pid", spare=1))
ROWS = (Row("1", ("1", "app.tasks.a_rather_long_name", "0:00:01", "4711")), Row("2", ("22", "f", "9:00:00", "1")))
TABLE = Table(COLUMNS, ROWS, "nothing")


def heads(width):
    return text_of(head_line(TABLE, layout(TABLE, width))).split()


def test_with_room_enough_nothing_is_cut():
    places = layout(TABLE, 80)

    assert text_of(head_line(TABLE, places)).rstrip() == "Id  Function                           Up  Pid"
    assert text_of(row_line(ROWS[0], TABLE, places)).rstrip() == "1   app.tasks.a_rather_long_name  0:00:01  4711"


def test_what_may_be_cut_is_cut_first():
    row = text_of(row_line(ROWS[0], TABLE, layout(TABLE, 35)))

    assert row == "1   app.tasks.a_rat…  0:00:01  4711"


def test_the_column_that_matters_least_goes_first():
    assert heads(35) == ["Id", "Function", "Up", "Pid"]
    assert heads(25) == ["Id", "Function", "Up"]
    assert heads(12) == ["Id", "Function"]
    assert heads(5) == ["Id"]


def test_a_column_is_cut_below_what_it_needs_only_where_nothing_else_can_be_spared():
    columns = (Column("Task"), Column("Error", can_shrink=True, least=12), Column("Ran", spare=1))
    table = Table(columns, (Row("1", ("fox", "ValueError: no such customer", "12 ms")),), "nothing")

    shown = [text_of(row_line(table.rows[0], table, layout(table, width))) for width in (26, 22, 14)]

    assert shown == ["fox   ValueError: …  12 ms", "fox   ValueError: no …", "fox   ValueEr…"]


@given(
    st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30)), max_size=5),
    st.integers(min_value=1, max_value=60),
)
def test_a_row_is_never_wider_than_the_terminal(rows, width):
    columns = (Column("First", can_shrink=True), Column("日本", right=True, spare=1), Column("Last"))
    table = Table(columns, tuple(Row(str(number), cells) for number, cells in enumerate(rows)), "nothing")

    places = layout(table, width)

    assert width_of(text_of(head_line(table, places))) <= width
    assert all(width_of(text_of(row_line(row, table, places))) <= width for row in table.rows)


def test_a_filter_keeps_the_rows_that_contain_all_its_words_in_any_case():
    assert [row.key for row in TABLE.only("TASKS 4711").rows] == ["1"]
    assert [row.key for row in TABLE.only("").rows] == ["1", "2"]
    assert TABLE.only("elephant").rows == ()
    assert "nothing here contains 'elephant'" in TABLE.only("elephant").empty


def test_a_filter_of_an_empty_table_does_not_hide_why_it_is_empty():
    assert Table(COLUMNS, (), "nothing runs").only("elephant").empty == "nothing runs"


def test_as_plain_text_nothing_is_left_out():
    assert plain_lines(TABLE) == [
        "Id  Function                           Up  Pid",
        "1   app.tasks.a_rather_long_name  0:00:01  4711",
        "22  f                             9:00:00  1",
    ]
    assert plain_lines(Table(COLUMNS, (), "nothing runs")) == ["nothing runs"]
