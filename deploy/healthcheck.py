"""Ask the bridge of this container whether it lives: status 0 if it does, with or without TLS."""

import os
import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection

TIMEOUT_SECONDS = 2


def main() -> int:
    """Return the exit status."""
    port = int(os.environ.get("AIBRIDGE_PORT", "4000"))
    return 0 if is_alive(plain(port)) or is_alive(encrypted(port)) else 1


def plain(port: int) -> HTTPConnection:
    """Return a connection to a bridge without a certificate."""
    return HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)


def encrypted(port: int) -> HTTPConnection:
    """Return one to a bridge with a certificate, which is for another name than this address."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS, context=context)


def is_alive(connection: HTTPConnection) -> bool:
    """Say whether it answers ``/healthz`` with 200."""
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200  # noqa: PLR2004 - HTTP's own
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
