"""The certificate that the bridge shows its clients, read again when its files change."""

import re
import ssl
from pathlib import Path

import structlog

from aibridge.listener.sockets import ListenError

HANDSHAKE_SECONDS = 10.0
"""How long a client may take for the handshake."""

FAREWELL_SECONDS = 2.0
"""How long a client may take for the farewell of TLS, once its connection is closed."""

_REASONS = {
    "KEY_VALUES_MISMATCH": "the key is not that of the certificate",
    "PEM lib": "what they hold cannot be read",
}
"""What some of OpenSSL's reasons mean."""

_log = structlog.get_logger()


class TLSError(ListenError):
    """A certificate or key that cannot be used; the text names its file and what is wrong."""


class Certificate:
    """A certificate with its key, and the context of the connections that show it.

    A new certificate counts for the connections that come after it was read.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read both. Raises `TLSError`."""
        self._files = certificate, key
        self._read = self._versions()
        self.context = _context(certificate, key)

    def reload(self) -> None:
        """Read both again; what cannot be used is logged, and the certificate stays as it is."""
        self._read = self._versions()
        try:
            _context(*self._files)  # the one in use must not be left with half of a pair
        except TLSError as error:
            _log.error("certificate_not_reloaded", error=str(error))
            return
        self.context.load_cert_chain(*self._files, password=_refuse_password)
        _log.info("certificate_reloaded", file=str(self._files[0]))

    def reload_if_changed(self) -> None:
        """Read both again if a file was replaced or written since they were last read."""
        if self._versions() != self._read:
            self.reload()

    def _versions(self) -> list[tuple[int, int, int]]:
        return [_version(file) for file in self._files]


def _version(file: Path) -> tuple[int, int, int]:
    """Return what differs once a file, or the link to it, is another; zeros if there is none."""
    try:
        found = file.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _check(f"tls_cert {certificate}", certificate, "CERTIFICATE")
    _check(f"tls_key {key}", key, "PRIVATE KEY")
    try:
        context.load_cert_chain(certificate, key, password=_refuse_password)
    except (ssl.SSLError, ValueError) as error:
        raise TLSError(f"tls_cert {certificate} and tls_key {key}: {_reason(error)}") from None
    return context


def _check(name: str, file: Path, kind: str) -> None:
    """Raise `TLSError` for a file that cannot be read, or that holds nothing of its kind."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise TLSError(f"{name} cannot be read: {error.strerror}") from None
    if not re.search(rb"-----BEGIN [A-Z ]*%b-----" % kind.encode(), content):
        raise TLSError(f"{name} holds no {kind.lower()} in PEM")


def _reason(error: ssl.SSLError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return _REASONS.get(error.reason or "", error.reason or "they cannot be read")
    return str(error)


def _refuse_password() -> str:
    """Refuse a key that is encrypted: OpenSSL would ask for its password on the terminal."""
    raise ValueError("the key is encrypted; give it without a password")
