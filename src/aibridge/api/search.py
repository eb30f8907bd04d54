"""The seam where the search language of ``q`` comes in."""

from aibridge.api.errors import ApiError
from aibridge.contract import Validation
from aibridge.store.interceptions import Filter


def search(query: str, *, refusal: str) -> Filter:
    """Return the filter that ``q`` asks for; an empty one when it is empty.

    Raises `ApiError` 400 with the list's own ``refusal`` and the complaints about ``q``.
    """
    if not query.strip():
        return Filter()
    complaint = Validation(
        field="q", detail='Query param "q" is set: searching isn\'t available yet'
    )
    raise ApiError(400, refusal, validations=[complaint])
