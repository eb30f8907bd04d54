"""What can go wrong between the bridge and a provider."""


class UpstreamError(Exception):
    """The provider could not be asked, or its answer could not be read to the end."""


class ConnectFailed(UpstreamError):
    """No connection could be made (name, address, TLS)."""


class TimedOut(UpstreamError):
    """The provider took longer than its timeout allows."""


class BrokenAnswer(UpstreamError):
    """The connection was lost, or what came over it is not HTTP, before the answer ended."""


class StaleConnection(UpstreamError):
    """A kept connection turned out to be closed before anything of the answer came."""
