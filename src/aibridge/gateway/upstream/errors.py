"""What can go wrong between the bridge and a provider."""


class UpstreamError(Exception):
    """The provider could not be asked, or its answer could not be read to the end."""


class ConnectFailed(UpstreamError):
    """No connection could be made (name, address, TLS)."""


class TimedOut(UpstreamError):
    """The provider took longer than its timeout allows."""


class BrokenAnswer(UpstreamError):
    """The connection was lost, or what came over it is not HTTP, before the answer ended."""


class StaleConnection(BrokenAnswer):
    """A kept connection was closed before anything of the answer came.

    The provider may have read the request all the same, and be at work on it.
    """
