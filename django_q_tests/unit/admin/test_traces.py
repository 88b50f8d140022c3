"""Tracebacks without the frames that are not the application's."""

import sysconfig
import traceback

import pytest

from django_q.admin.traces import application_only

LIBRARY = sysconfig.get_path("stdlib")
PACKAGES = "/srv/shop/.venv/lib/python3.12/site-packages"

CHAINED = f"""\
Traceback (most recent call last):
  File "/srv/shop/orders/tasks.py", line 10, in send
    client.post(url)
    ~~~~~~~~~~~^^^^^
  File "{PACKAGES}/requests/api.py", line 115, in post
    return request("post", url, data=data,
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
                   json=json)
                   ^^^^^^^^^^
  File "{LIBRARY}/socket.py", line 1, in connect
    self.connect()
OSError: refused

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/shop/orders/tasks.py", line 12, in send
    raise NotSent(url) from error
shop.orders.NotSent: http://example.com
"""


def test_frames_of_others_are_left_out_with_their_code_and_marks():
    own = application_only(CHAINED)

    assert own.count("File ") == 2
    assert "requests/api.py" not in own and "socket.py" not in own and "json=json" not in own
    assert "    ~~~~~~~~~~~^^^^^\nOSError: refused\n\nThe above exception" in own
    assert own.endswith("shop.orders.NotSent: http://example.com\n")


@pytest.mark.parametrize(
    "file",
    [
        f"{LIBRARY}/json/decoder.py",
        "/usr/lib/python3.11/asyncio/runners.py",
        "/usr/lib64/python3.13t/threading.py",
        "/usr/lib/python3/dist-packages/yaml/loader.py",
        r"C:\shop\venv\Lib\site-packages\django\db\models\query.py",
        "<frozen importlib._bootstrap>",
        "/srv/app/django_q/engine/execution.py",
    ],
)
def test_these_are_not_the_applications(file):
    text = f'  File "/srv/a.py", line 1, in run\n    go()\n  File "{file}", line 5, in other\n    code\nValueError: x\n'

    assert application_only(text) == '  File "/srv/a.py", line 1, in run\n    go()\nValueError: x\n'


@pytest.mark.parametrize(
    "file", ["/srv/shop/django_quiz/tasks.py", "<string>", "/srv/my lib/tasks.py", "/srv/django_q/examples/a.py"]
)
def test_these_are_the_applications(file):
    text = f'  File "{file}", line 1, in run\n    go()\n  File "{LIBRARY}/re.py", line 5, in x\n    y\nValueError: x\n'

    assert application_only(text) == f'  File "{file}", line 1, in run\n    go()\nValueError: x\n'


def test_where_nothing_would_be_left_all_of_it_is():
    text = (
        f'Traceback (most recent call last):\n  File "{LIBRARY}/json/decoder.py", line 1, in x\n    y\nValueError: z\n'
    )

    assert application_only(text) == text
    assert application_only("") == ""


def test_the_note_of_a_recursion_goes_with_its_frame():
    def noted(file):
        return f'  File "{file}", line 5, in deep\n    deep()\n  [Previous line repeated 991 more times]\n'

    text = noted("/srv/shop/a.py") + noted(f"{LIBRARY}/copy.py") + "RecursionError: too deep\n"

    assert application_only(text) == noted("/srv/shop/a.py") + "RecursionError: too deep\n"


def test_the_place_of_a_syntax_error_stays():
    try:
        compile("1 +* 2", "/srv/shop/broken.py", "exec")
    except SyntaxError:
        text = traceback.format_exc()

    own = application_only(text)

    assert '  File "/srv/shop/broken.py", line 1\n    1 +* 2\n' in own
    assert own.endswith("SyntaxError: invalid syntax\n")


def test_a_group_of_errors_keeps_its_frame():
    text = f"""\
  + Exception Group Traceback (most recent call last):
  |   File "/srv/shop/a.py", line 9, in run
  |     async with TaskGroup():
  |   File "{LIBRARY}/asyncio/taskgroups.py", line 145, in __aexit__
  |     raise me from None
  | ExceptionGroup: unhandled errors (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "{LIBRARY}/json/decoder.py", line 5, in decode
    |     ^^^^
    |   File "/srv/shop/b.py", line 5, in part
    |     decode()
    | ValueError: x
    +------------------------------------
"""

    own = application_only(text)

    assert own.count("File ") == 2 and "taskgroups" not in own and "raise me" not in own and "^^^^" not in own
    assert "  | ExceptionGroup: unhandled errors (1 sub-exception)\n  +-+---" in own
    assert own.endswith("    | ValueError: x\n    +------------------------------------\n")


def test_a_message_of_several_lines_stays():
    text = (
        f'  File "/srv/a.py", line 1, in b\n  File "{LIBRARY}/x.py", line 2, in c\nValueError: one\n    two\n  three\n'
    )

    assert application_only(text) == '  File "/srv/a.py", line 1, in b\nValueError: one\n    two\n  three\n'
