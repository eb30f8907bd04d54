"""The bridge's own certificate: shown to clients, and another one once its files change."""

import socket
import ssl
from typing import Any

import pytest
import trustme

from aibridge.listener.tls import Certificate, TLSError
from tests import bridge as bridges
from tests.wire import PATIENCE


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def files(authority, tmp_path):
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    put(authority.issue_cert("one.example"), *files)
    return files


def put(issued, certificate, key):
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())


@pytest.fixture
def serve(tmp_path, files):
    options = {"tls_cert": str(files[0]), "tls_key": str(files[1])}
    with bridges.serve(tmp_path / "data", [], **options) as run:
        yield run


def shown(run, authority, name):
    """Return the name in the certificate that a client who wants this one is shown."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with (
        socket.create_connection(("127.0.0.1", int(run.url.rpartition(":")[2])), PATIENCE) as raw,
        context.wrap_socket(raw, server_hostname=name) as connection,
    ):
        connection.sendall(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
        found: Any = connection.getpeercert()
        return found["subjectAltName"][0][1]


def test_clients_are_served_over_tls_and_a_new_certificate_counts_for_the_next(
    serve, files, authority
):
    assert serve.url.startswith("https://")
    assert shown(serve, authority, "one.example") == "one.example"
    put(authority.issue_cert("two.example"), *files)
    certificate = serve.server._certificate
    certificate.reload_if_changed()
    assert shown(serve, authority, "two.example") == "two.example"
    files[0].write_bytes(b"no certificate")
    certificate.reload_if_changed()
    assert shown(serve, authority, "two.example") == "two.example"


def test_it_is_read_again_only_if_a_file_has_changed(files, authority, monkeypatch):
    certificate = Certificate(*files)
    reads = []
    monkeypatch.setattr(certificate, "reload", lambda: reads.append(1))
    certificate.reload_if_changed()
    assert reads == []
    put(authority.issue_cert("two.example"), *files)
    certificate.reload_if_changed()
    assert reads == [1]


def test_half_of_a_new_pair_does_not_count(files, authority):
    certificate = Certificate(*files)
    key = files[1].read_bytes()
    put(authority.issue_cert("two.example"), *files)
    files[1].write_bytes(key)
    certificate.reload()
    server = certificate.context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
    assert server.version() is None  # it can still be used for a handshake


PAIR = "tls_cert {certificate} and tls_key {key}: "
FAULTS = {
    "missing": "tls_key {key} cannot be read: No such file or directory",
    "garbage": "tls_cert {certificate} holds no certificate in PEM",
    "swapped": "tls_cert {key} holds no certificate in PEM",
    "damaged": PAIR,
    "not a pair": PAIR + "the key is not that of the certificate",
    "encrypted": PAIR + "the key is encrypted; give it without",
}


@pytest.mark.parametrize("what", FAULTS)
def test_what_cannot_be_used_is_said_with_its_file(files, authority, what):
    certificate, key = files
    given = files
    if what == "missing":
        key.unlink()
    elif what == "garbage":
        certificate.write_bytes(b"x")
    elif what == "swapped":
        given = key, certificate
    elif what == "damaged":
        certificate.write_bytes(certificate.read_bytes().replace(b"\nM", b"\nB"))
    elif what == "not a pair":
        key.write_bytes(authority.issue_cert("two.example").private_key_pem.bytes())
    else:
        key.write_bytes(encrypted(key.read_bytes()))
    with pytest.raises(TLSError) as error:
        Certificate(*given)
    assert str(error.value).startswith(FAULTS[what].format(certificate=certificate, key=key))
    assert "\n" not in str(error.value)


def encrypted(pem):
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - for this one alone

    key = serialization.load_pem_private_key(pem, None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
