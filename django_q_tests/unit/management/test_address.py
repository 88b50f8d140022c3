"""Where the site of ``qdev`` listens."""

import socket

import pytest
from django.core.management import CommandError

from django_q.management import address
from django_q.management.address import Address, address_of


@pytest.mark.parametrize(
    ("words", "url"),
    [
        (None, "http://127.0.0.1:8000/"),
        ("8001", "http://127.0.0.1:8001/"),
        ("0.0.0.0:80", "http://0.0.0.0:80/"),
        ("0:8000", "http://0.0.0.0:8000/"),
        ("localhost:7000", "http://localhost:7000/"),
        ("[::1]:7000", "http://[::1]:7000/"),
    ],
)
def test_the_words_of_runserver_are_understood(words, url):
    assert address_of(words).url == url


@pytest.mark.parametrize("words", ["eighty", "127.0.0.1", "1.2.3.4:", "80000", "a b:80"])
def test_what_is_no_address_is_refused_with_an_example(words):
    with pytest.raises(CommandError, match=f"'{words}' is neither .* write 8000 or 127.0.0.1:8000") as refusal:
        address_of(words)

    assert refusal.value.returncode == 2


def test_a_runserver_of_the_project_chooses_the_default(monkeypatch):
    class Runserver:
        default_addr, default_port, protocol = "127.0.0.2", 9000, "https"

    monkeypatch.setattr(address, "_runserver", Runserver)

    assert address_of(None).url == "https://127.0.0.2:9000/"


def test_a_free_address_is_neither_refused_nor_open():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    Address("127.0.0.1", port).require_free()
    assert not Address("127.0.0.1", port).is_open()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "0", "localhost"])
def test_a_port_that_is_taken_is_refused_and_open(host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        taken = Address(host, port)

        assert taken.is_open()
        with pytest.raises(CommandError, match=f"choose another port: manage.py qdev {port + 1}"):
            taken.require_free()


@pytest.mark.parametrize(
    ("host", "why"), [("192.0.2.1", "it is no address of this computer"), ("no.such.host.invalid", "cannot listen at")]
)
def test_an_address_of_somebody_else_is_refused(host, why):
    with pytest.raises(CommandError, match=why):
        Address(host, 8000).require_free()
