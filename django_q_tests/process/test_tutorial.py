"""The tutorial, done by a machine: from an empty directory to its last line."""

import re
import socket
import sqlite3

import pytest
import requests

from django_q_tests.support.own_database import ROOT
from django_q_tests.support.terminals import free_port
from django_q_tests.support.tutorial import Reader, blocks_of, pages_of

pytestmark = pytest.mark.once  # it brings its project, its database and its cluster

PAGES = pages_of(ROOT / "docs" / "tutorial")


def port(usual):
    """Return a port of the page, or another one if somebody on this machine has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return str(free_port()) if probe.connect_ex(("127.0.0.1", int(usual))) == 0 else usual


@pytest.fixture
def reader(tmp_path):
    reader = Reader(tmp_path, {usual: port(usual) for usual in ("8000", "8022")})
    yield reader
    reader.close()


def test_the_tutorial_can_be_followed_from_an_empty_directory_to_the_last_line(reader):
    for page in PAGES:
        for block in blocks_of(page):
            reader.do(block)
        if page.stem == "booking":
            see_the_site(reader)

    assert [line.split()[1:3] for line in reader.left_out] == [["python", "-m"], ["pip", "install"]]
    assert reader.compared == sum(map(lines_shown, PAGES)) >= 20
    assert reader.leave() == {"second terminal": 0, "third terminal": 0, "fourth terminal": 0}


def lines_shown(page):
    """Count the lines of a page that are printed, not typed."""
    shown = [line for block in blocks_of(page) if block.language != "python" for line in block.lines]
    return sum(line not in ("", "…") and not line.startswith(("$ ", ">>> ")) for line in shown)


def see_the_site(reader):
    """Follow the link of the mail, as somebody who has to log in."""
    (run,) = runs(reader)
    session, site = requests.Session(), f"http://127.0.0.1:{reader.ports['8000']}"
    login = session.get(f"{site}/editor/runs/{run}/results/", timeout=10)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', login.text)[1]
    form = {"username": "demo", "password": "demo", "csrfmiddlewaretoken": token}
    page = session.post(login.url, data=form, timeout=10)

    assert page.url.endswith(f"/editor/runs/{run}/results/")
    assert "full stop from 30 km/h" in page.text and "<svg" in page.text


def runs(reader):
    """Return the complete runs in the database of the project."""
    database = sqlite3.connect(reader.folder / reader.project / "db.sqlite3")
    try:
        found = database.execute("SELECT id FROM django_q_experimenteditor_runresult WHERE is_complete").fetchall()
    finally:
        database.close()
    return [row[0] for row in found]


def test_every_block_of_the_tutorial_is_seen_by_its_test():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    seen = [block for page in PAGES for block in blocks_of(page)]

    assert len(seen) == text.count(".. code-block::") > 15
    assert sum(len(block.lines) for block in seen) > 60
