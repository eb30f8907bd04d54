"""The models of the HTTP contract, shared by the server's responses and its clients.

All of `aibridge.contract.models` can be had from here. It is imported when a name of it is first
asked for: to make the models takes a tenth of a second, which who needs `words` does not wait for.
"""

from importlib import import_module

TYPE_CHECKING = False  # what type checkers take for typing's, without the time to import it
if TYPE_CHECKING:
    from aibridge.contract.models import *  # noqa: F403

if not TYPE_CHECKING:  # a type checker would take any name for one that is there

    def __getattr__(name: str) -> object:
        """Import the models, and return one."""
        models = None if name.startswith("_") else import_module("aibridge.contract.models")
        if models is None or name not in models.__all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(models, name)
