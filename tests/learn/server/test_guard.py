"""Who is answered: every way in that is not the page's own is refused, over a real socket."""

import json
import socket

import httpx
import pytest

from learn.server.lessons import PATIENCE, served
from wolfsbane.learn.server.guard import LONGEST_BODY
from wolfsbane.learn.server.headers import HEADERS


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    with served(tmp_path_factory.mktemp("lesson"), most=1000) as running:
        yield running


def ask(lesson, method, path, headers=(), content=None):
    return httpx.request(
        method,
        f"http://127.0.0.1:{lesson.address.port}{path}",
        headers=dict(headers),
        content=content,
        trust_env=False,
        timeout=PATIENCE,
    )


def inside(lesson, path=""):
    return f"/{lesson.address.token}/{path}"


def raw(lesson, request):
    """Send bytes, return the status."""
    with socket.create_connection(("127.0.0.1", lesson.address.port), PATIENCE) as connection:
        connection.sendall(request)
        return int(connection.makefile("rb").readline().split()[1])


HOSTS = ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.:{port}"]
HOSTS += ["0.0.0.0:{port}", "[::1]:{port}", "127.0.0.1:{port}@evil.example", "127.1:{port}", ""]


@pytest.mark.parametrize("host", HOSTS)
def test_another_name_of_this_machine_is_refused(lesson, host):
    host = host.format(port=lesson.address.port)
    answer = ask(lesson, "GET", inside(lesson), {"host": host})
    assert answer.status_code == 421
    assert "Open the address that wolfsbane learn printed" in answer.json()["error"]


def test_a_request_with_two_hosts_or_none_is_refused(lesson):
    line = f"GET {inside(lesson)} HTTP/1.1\r\n"
    own = f"Host: 127.0.0.1:{lesson.address.port}\r\n"
    assert raw(lesson, f"{line}{own}\r\n".encode()) == 200
    assert raw(lesson, f"{line}{own}Host: evil.example\r\n\r\n".encode()) >= 400
    assert raw(lesson, f"{line}\r\n".encode()) >= 400
    assert raw(lesson, f"GET {inside(lesson)} HTTP/1.0\r\n\r\n".encode()) == 421


def test_localhost_is_a_name_of_ours(lesson):
    host = f"LocalHost:{lesson.address.port}"
    assert ask(lesson, "GET", inside(lesson), {"host": host}).status_code == 200


PATHS = ["/", "/x/", "//", "/static/page.css", "/{token}x/", "/{shorter}/", "/x/{token}/"]
PATHS += ["/{swapped}/", "/%00/", "/%c3%a9/", "/favicon.ico", "/{token}%2f..%2fx/../x"]


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_token_is_told_nothing(lesson, path):
    token = lesson.address.token
    path = path.format(token=token, shorter=token[:-1], swapped=token.swapcase())
    answer = ask(lesson, "GET", path)
    assert answer.status_code == 404
    assert answer.json()["error"] in {"Not found", "Not Found"}


def test_the_token_without_its_slash_leads_to_the_page(lesson):
    answer = ask(lesson, "GET", f"/{lesson.address.token}")
    assert (answer.status_code, answer.headers["location"]) == (307, inside(lesson))


OTHER_SITES = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "https://127.0.0.1:{port}"},
    {"origin": "http://127.0.0.1:{other}"},
    {"origin": "http://localhost:{port}"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "null", "sec-fetch-site": "cross-site"},
    {"origin": "http://evil.example", "sec-fetch-site": "same-origin"},
]


def filled(headers, lesson):
    port = lesson.address.port
    return {name: text.format(port=port, other=port - 1) for name, text in headers.items()}


@pytest.mark.parametrize("headers", OTHER_SITES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_sites_page_is_refused_even_with_the_token(lesson, method, headers):
    path = inside(lesson, "progress" if method == "GET" else "progress/reset")
    answer = ask(lesson, method, path, filled(headers, lesson))
    assert answer.status_code == 403
    assert "another site" in answer.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "none"},
        {"origin": "http://127.0.0.1:{port}", "sec-fetch-site": "cross-site"},
    ],
)
def test_a_change_needs_a_sign_of_our_own_page(lesson, headers):
    path = inside(lesson, "progress/reset")
    assert ask(lesson, "POST", path, filled(headers, lesson)).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://127.0.0.1:{port}"},
        {"origin": "http://localhost:{port}", "host": "localhost:{port}"},
        {"origin": "http://127.0.0.1:{port}", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "same-origin"},
        {"origin": "null", "sec-fetch-site": "same-origin"},
    ],
)
def test_our_own_page_may_change_something(lesson, headers):
    path = inside(lesson, "progress/reset")
    assert ask(lesson, "POST", path, filled(headers, lesson)).status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
    ],
)
def test_the_page_can_be_opened_from_anywhere_by_who_has_the_address(lesson, headers):
    assert ask(lesson, "GET", inside(lesson), headers).status_code == 200


def test_a_request_from_two_origins_is_refused(lesson):
    origin = f"Origin: {lesson.own['origin']}\r\n"
    request = (
        f"POST {inside(lesson, 'progress/reset')} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{lesson.address.port}\r\n{origin}"
    )
    assert raw(lesson, f"{request}\r\n".encode()) == 204
    assert raw(lesson, f"{request}Origin: http://evil.example\r\n\r\n".encode()) == 400


def test_who_breaks_off_within_a_body_is_no_mistake_of_ours(lesson, caplog):
    request = (
        f"POST {inside(lesson, 'runs')} HTTP/1.1\r\nHost: 127.0.0.1:{lesson.address.port}\r\n"
        f"Origin: {lesson.own['origin']}\r\nContent-Type: application/json\r\n"
        "Content-Length: 100\r\n\r\n{"
    )
    with socket.create_connection(("127.0.0.1", lesson.address.port), PATIENCE) as connection:
        connection.sendall(request.encode())
        connection.shutdown(socket.SHUT_WR)
        connection.makefile("rb").read()
    assert caplog.records == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_refused(lesson, method):
    assert ask(lesson, method, inside(lesson, "runs")).status_code == 405


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"]
)
def test_a_body_that_a_form_could_send_is_refused(lesson, kind):
    headers = {**lesson.own, "content-type": kind}
    answer = ask(lesson, "POST", inside(lesson, "runs"), headers, b'{"kind": "program"}')
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["error"]


def test_json_with_a_charset_is_json(lesson):
    headers = {**lesson.own, "content-type": "Application/JSON; charset=utf-8"}
    body = json.dumps({"kind": "program", "program": "pass"}).encode()
    assert ask(lesson, "POST", inside(lesson, "runs"), headers, body).status_code == 202


def chunks(size):
    yield b'"'
    for _ in range(size // 1024):
        yield b"x" * 1024
    yield b'"'


@pytest.mark.parametrize(
    "content",
    [b'"' + b"x" * LONGEST_BODY + b'"', chunks(LONGEST_BODY)],
    ids=["length said", "chunked"],
)
def test_a_body_that_is_too_long_is_refused(lesson, content):
    headers = {**lesson.own, "content-type": "application/json"}
    answer = ask(lesson, "POST", inside(lesson, "runs"), headers, content)
    assert answer.status_code == 413
    assert answer.json() == {"error": "This is more than 64 KiB. Send a shorter program."}


@pytest.mark.parametrize("length", ["-1", "1e9", "0x10", "99999999999999999999"])
def test_a_length_that_is_none_is_refused(lesson, length):
    request = (
        f"POST {inside(lesson, 'runs')} HTTP/1.1\r\nHost: 127.0.0.1:{lesson.address.port}\r\n"
        f"Origin: {lesson.own['origin']}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n"
    )
    assert raw(lesson, request.encode()) in {400, 413}


def test_a_question_has_no_body(lesson):
    headers = {"content-type": "application/json"}
    assert ask(lesson, "GET", inside(lesson), headers, b"{}").status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [("", 200), ("static/none.css", 404), ("rules/WB201", 200), ("progress", 200), ("x", 404)],
)
def test_every_answer_says_how_it_may_be_used(lesson, path, status):
    answer = ask(lesson, "GET", inside(lesson, path))
    assert answer.status_code == status
    assert {name: answer.headers.get_list(name) for name in HEADERS} == {
        name: [value] for name, value in HEADERS.items()
    }


def test_refusals_say_so_too(lesson):
    answer = ask(lesson, "GET", "/", {"host": "evil.example"})
    assert HEADERS.items() <= dict(answer.headers).items()


def test_nothing_may_be_loaded_from_elsewhere_or_written_into_the_page():
    policy = HEADERS["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "*" not in policy


def test_the_server_is_on_this_machine_alone(lesson):
    others = {
        each[4][0]
        for each in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
        if not each[4][0].startswith("127.")
    }
    for other in others:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((other, lesson.address.port), PATIENCE)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", lesson.address.port), PATIENCE)
