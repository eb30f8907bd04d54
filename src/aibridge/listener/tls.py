"""The certificate that the bridge shows its clients, read again when its files change."""

import ssl
from pathlib import Path

import structlog

from aibridge.listener.sockets import ListenError

HANDSHAKE_SECONDS = 10.0
"""How long a client may take for the handshake."""

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
    for file in (certificate, key):
        _check_readable(file)
    try:
        context.load_cert_chain(certificate, key, password=_refuse_password)
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise TLSError(f"tls_cert {certificate} and tls_key {key}: {reason}") from None
    return context


def _check_readable(file: Path) -> None:
    try:
        file.open("rb").close()
    except OSError as error:
        raise TLSError(f"{file} cannot be read: {error.strerror}") from None


def _refuse_password() -> str:
    """Refuse a key that is encrypted: OpenSSL would ask for its password on the terminal."""
    raise ValueError("the key is encrypted; give it without a password")
