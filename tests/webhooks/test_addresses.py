"""Where a webhook may lead, and that it is kept to it (OWASP API7): spellings, names that change, TLS, proxies."""

import asyncio
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline import settings
from pipeline.errors import SettingsError
from pipeline.receiver import BadReceiver, Receiver, parse, refusal
from tests.webhooks.house import Here, House
from tests.webhooks.receiver import Receiver as Server
from webhooks.post import Answer, Poster

INSIDE = [
    *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("100.100.100.200", "192.0.0.8", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1"),
    *("203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:7f00:1", "64:ff9b::7f00:1"),
    *("64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::7f00:1", "2001:2::1", "2001:10::1", "2001:20::1"),
    *("2001:db8::1", "2002:7f00:1::", "2002:808:808::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1"),
    *("fec0::1", "ff02::1"),
]
OUTSIDE = ["8.8.8.8", "1.1.1.1", "168.63.129.17", "2606:4700:4700::1111", "2a00:1450:4001::200e"]
NAMED = Receiver(True, "hooks.example.com", 443, "/")


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert refusal(NAMED, address, ()) == "leads to an address that is not public"
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(BadReceiver, match="not public"):
        parse(f"https://{host}/hook", ())


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_not(address: str) -> None:
    assert refusal(NAMED, address, ()) == ""
    assert parse(f"https://{f'[{address}]' if ':' in address else address}/hook", ()).path == "/hook"


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://0/"),
        *("https://localhost/", "https://LOCALHOST./", "https://a.localhost/", "http://hooks.example.com/", "ftp://x.com/"),
        *("https://u@x.com/", "https://u:p@x.com/", "https://@x.com/", "https://x.com:22/", "https://x.com:0/"),
        *("https://x.com:99999/", "https://x.com:a/", "https:///x", "https://", "//x.com/", "x.com", "", "https://x.com/#a"),
        *("https://x.com/\r\nHost: y", "https://x.com/ y", "https://x.com/\t", "https://exämple.com/", "https://x.com\\@y.com/"),
        *("https://[fe80::1%25eth0]/", "https://[::1", "https://a..b/", "https://-a.com/", "https://a_.com/", "https://x.com/\x00"),
        "https://x.com/" + "a" * 2_000,
    ],
)  # fmt: skip
def test_a_url_that_no_webhook_can_have(url: str) -> None:
    with pytest.raises(BadReceiver) as wrong:
        parse(url, ())
    assert "https" in wrong.value.allowed


def test_a_url_goes_into_the_request_in_its_pieces() -> None:
    assert parse("https://Hooks.Example.com", ()) == Receiver(True, "hooks.example.com", 443, "/")
    assert parse("https://x.com?a=b", ()).path == "/?a=b"
    assert parse("https://x.com:8443/p", ()).authority == "x.com:8443"
    assert parse("https://[2606:4700::1111]/p", ()).authority == "[2606:4700::1111]"


NETWORKS = tuple(ipaddress.ip_network(text) for text in ("127.0.0.1/32", "10.0.0.0/8"))


def test_what_is_allowed_on_purpose_is_allowed_there_and_nowhere_else() -> None:
    here = parse("http://127.0.0.1:9/x", NETWORKS)
    assert refusal(here, "10.1.2.3", NETWORKS) == ""
    assert refusal(here, "127.0.0.2", NETWORKS).startswith("is http")
    assert refusal(here, "8.8.8.8", NETWORKS).startswith("is http")
    assert refusal(NAMED, "169.254.169.254", NETWORKS) == "leads to an address that is not public"
    assert refusal(Receiver(True, "x", 22, "/"), "8.8.8.8", NETWORKS).startswith("has port 22")
    for url in ("http://127.0.0.2/", "https://192.168.0.1/", "http://8.8.8.8/"):
        with pytest.raises(BadReceiver):
            parse(url, NETWORKS)


@pytest.mark.parametrize("text", ["x", "10.0.0.1/8", "10.0.0.0/33", "127.0.0.1;10.0.0.1"])
def test_networks_that_are_none_stop_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="HEADRACE_WEBHOOK_ALLOW="):
        settings.read({"HEADRACE_WEBHOOK_ALLOW": text})


@pytest.mark.parametrize("text", ["x", "5,,x", "0", "-1", "86401", ",", "nan", ",".join(["86400"] * 15)])
def test_pauses_that_are_none_stop_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="HEADRACE_WEBHOOK_PAUSES_S="):
        settings.read({"HEADRACE_WEBHOOK_PAUSES_S": text})


# ── the connection ──


class Names:
    """A name server that changes its mind: the first answer, the second …, the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.asked = answers, 0

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


@pytest.fixture
def other(receiver: Server) -> Server:
    """The receiver, by the name of somebody else."""
    receiver.url = f"http://hooks.example.test:{receiver.port}/hook"
    return receiver


def post(poster: Poster, url: str) -> Answer:
    return asyncio.run(poster.post(url, [("webhook-id", "1")], b"{}"))


def test_the_connection_goes_to_the_address_that_was_looked_at(other: Server) -> None:
    """The second answer of the name server leads elsewhere; nobody asks for it."""
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    assert post(Poster(NETWORKS, 5, names), other.url).status == 204
    assert names.asked == 1
    assert other.heard[0].headers["host"] == f"hooks.example.test:{other.port}"


def test_a_name_that_leads_elsewhere_at_the_next_attempt_is_looked_at_again(hasty: House, other: Server) -> None:
    other.does = [other.hang]
    (id,) = hasty.ended(other.url)
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    with Here(hasty, Poster(NETWORKS, 2.0, names)):  # time enough to send, and none is answered
        delivery = hasty.until_state(id, "given_up")
    assert (len(other.heard), names.asked) == (1, 3)
    assert delivery.last_error == "the URL is http, which is for networks in HEADRACE_WEBHOOK_ALLOW alone"


@pytest.mark.parametrize("found", [["127.0.0.1", "127.0.0.2"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"]])
def test_one_bad_address_is_enough(other: Server, found: list[str]) -> None:
    answer = post(Poster(NETWORKS, 5, Names(found)), other.url)
    assert answer.status is None
    assert not any(address in answer.error for address in found), "what a name leads to is not for its client"
    assert other.heard == []


def test_an_address_that_does_not_answer_gives_way_to_the_next(other: Server) -> None:
    allowed = (ipaddress.ip_network("127.0.0.0/8"),)
    assert post(Poster(allowed, 5, Names(["127.0.0.9", "127.0.0.1"])), other.url).status == 204
    answer = post(Poster(allowed, 5, Names(["127.0.0.9"])), other.url)
    assert (answer.error, answer.detail.partition(":")[0]) == ("no connection", "127.0.0.9")


def test_a_name_without_an_address_is_told_so() -> None:
    assert post(Poster((), 5), "https://nobody.invalid/").error == "the name has no address"


def test_a_slow_name_server_keeps_no_other_waiting_and_no_stop(hasty: House, receiver: Server) -> None:
    answer_now = threading.Event()

    def slow(host: str, port: int) -> list[str]:
        if host == "slow.example.test":
            answer_now.wait(170)
        return ["127.0.0.1"]

    hasty.new_secret("slow")
    hasty.ended(f"http://slow.example.test:{receiver.port}/", 40, owner="slow")
    hasty.ended(receiver.url)
    began = time.monotonic()
    try:
        with Here(hasty, Poster((ipaddress.ip_network("127.0.0.0/8"),), 0.5, slow)):
            receiver.until(1)
        took = time.monotonic() - began
    finally:
        answer_now.set()
    assert took < 100, "long before the name server answers"


def test_no_proxy_of_the_environment_comes_between(other: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert post(Poster(NETWORKS, 5, Names(["127.0.0.1"])), other.url).status == 204


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Server]:
    """A receiver with TLS and a certificate for a name, of an authority that this process trusts."""

    def start(name: str) -> Server:
        key = ec.generate_private_key(ec.SECP256R1())
        who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(who)
            .issuer_name(who)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem, private = tmp_path / "certificate.pem", tmp_path / "key.pem"
        pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        private.write_bytes(key.private_bytes(*plain))
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem, private)
        return Server(context)

    return start


def test_tls_is_for_the_name_though_the_connection_is_to_an_address(secure: Callable[[str], Server]) -> None:
    server = secure("hooks.example.test")
    try:
        poster = Poster(NETWORKS, 5, Names(["127.0.0.1"]))
        assert post(poster, f"https://hooks.example.test:{server.port}/").status == 204
        answer = post(poster, f"https://other.example.test:{server.port}/")
        assert answer.error.startswith("TLS: Hostname mismatch")
        assert post(Poster(NETWORKS, 5), server.url).error.startswith("TLS: IP address mismatch")
        assert len(server.heard) == 1
    finally:
        server.close()


def test_a_certificate_of_an_unknown_authority_is_refused(
    secure: Callable[[str], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = secure("hooks.example.test")
    try:
        monkeypatch.delenv("SSL_CERT_FILE")
        answer = post(Poster(NETWORKS, 5, Names(["127.0.0.1"])), f"https://hooks.example.test:{server.port}/")
        assert answer.error.startswith("TLS: self-signed certificate")
    finally:
        server.close()
