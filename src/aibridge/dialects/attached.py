"""The images and files in a request's body, counted: they compress, so their bytes tell little."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

MAX_ATTACHED = 10_000
"""Images and files of a request that are counted: so many fill any context window."""

_BLOCK = 256 << 10
_LONGEST = 256
"""Bytes of a kind with white space before it; with more, at the end of a block, it is not seen."""

_KIND = re.compile(
    rb"""
    :\s*"(?:
        (?: image | image_url | input_image | computer_screenshot )" ()
      | (?: document | container_upload | file | input_file | input_audio | video_url )"
      | [a-z_]{0,16}\\u00(?:5[fF]|6|7)
    )
    """,
    re.VERBOSE,
)
"""A value that names a kind of image, or one of file.

So does one with a letter that is escaped, as no encoder of JSON does by itself: it may be hidden.
"""


class Attached(NamedTuple):
    """How many images and other files a request has."""

    images: int = 0
    files: int = 0


def attached(body: bytes) -> Attached:
    """Count the images and files in a body, wherever they stand: a tool's result has them, too.

    Text is never taken for one, as its quotes are escaped; another value of the same name may be.
    """
    found = [match[1] is not None for match in islice(_kinds(body), MAX_ATTACHED)]
    images = sum(found)
    return Attached(images, len(found) - images)


def _kinds(body: bytes) -> Iterator[re.Match[bytes]]:
    """Find the kinds block by block, so that others have a turn meanwhile."""
    at = 0
    while at < len(body):
        if found := _KIND.search(body, at, at + _BLOCK + _LONGEST):
            yield found
        at = found.end() if found else at + _BLOCK
