"""A free port is found, and only on this machine."""

import socket
from contextlib import ExitStack, closing

import pytest

from wolfsbane.errors import ArgumentError
from wolfsbane.learn.server import ports
from wolfsbane.learn.server.ports import listen


def test_any_free_port_is_found():
    with closing(listen(0)) as listening:
        host, port = listening.getsockname()
        assert host == "127.0.0.1"
        socket.create_connection((host, port), 30).close()


def test_a_taken_port_leads_to_a_later_one():
    with closing(listen(0)) as first:
        taken = first.getsockname()[1]
        with closing(listen(taken)) as second:
            assert taken < second.getsockname()[1] < taken + ports.NUM_TRIES


def test_a_port_that_is_taken_on_all_addresses_is_taken():
    with closing(socket.socket()) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("0.0.0.0", 0))
        other.listen()
        taken = other.getsockname()[1]
        with closing(listen(taken)) as second:
            assert second.getsockname()[1] > taken


def test_the_port_of_a_server_that_has_just_ended_is_free():
    with closing(listen(0)) as first:
        port = first.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port), 30)
        connection, _ = first.accept()
        connection.close()  # The server's end waits a while for stray packets.
        client.close()
    with closing(listen(port)) as second:
        assert second.getsockname()[1] == port


def test_where_all_are_taken_an_error_says_what_to_do(monkeypatch):
    monkeypatch.setattr(ports, "NUM_TRIES", 1)
    with ExitStack() as stack:
        taken = stack.enter_context(closing(listen(0))).getsockname()[1]
        with pytest.raises(ArgumentError, match=f"from {taken} to {taken} are all taken. Give"):
            listen(taken)
