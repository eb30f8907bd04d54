"""What was spent in a period as FOCUS 1.2 says it (contract, section 1.12)."""

from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from aibridge.api.access import Caller, Visitor, reading_spend
from aibridge.api.documented import documented, one_of, whole
from aibridge.api.errors import ApiError
from aibridge.api.groups import check_organization
from aibridge.api.organizations import OrganizationPath
from aibridge.api.parameters import Parameters
from aibridge.api.shapes import ORGANIZATION
from aibridge.api.spend.asked import (
    EXPORT_DAYS,
    OF_FILE,
    check_reads_everybody,
    recorded_period,
    usage_filter,
)
from aibridge.api.spend.export import CSV, headers_of
from aibridge.focus.columns import VERSION, Names
from aibridge.focus.export import Export, ExportTooLargeError, make_export
from aibridge.focus.files import Write, has_parquet, write_csv, write_parquet
from aibridge.sessions.reading import READING_SECONDS
from aibridge.store.people import groups
from aibridge.store.usage.daily import UsageFilter, usernames

router = APIRouter(tags=["spend"], dependencies=reading_spend())

HOUR, DAY = 3600, 86_400
"""Seconds."""
PARQUET = "application/vnd.apache.parquet"
_CHUNK = 65_536


class _Format(NamedTuple):
    """How a file is written, and the type of the answer."""

    write: Write
    media: str


_FORMATS: Mapping[str, _Format] = {
    "csv": _Format(write_csv, f"{CSV}; charset=utf-8"),
    "parquet": _Format(write_parquet, PARQUET),
}


@router.get(
    "/organizations/{organization}/ai/spend/export/focus",
    **documented(
        media=[CSV, PARQUET],
        parameters=(
            one_of("format", "How it is written; csv where it is left out.", _FORMATS),
            whole(
                "granularity",
                f"Seconds that usage is added up over, {HOUR} where it is left out; 0 is none.",
                DAY,
            ),
            *OF_FILE,
        ),
    ),
)
def export_focus(
    request: Request, organization: OrganizationPath, caller: Caller
) -> StreamingResponse:
    """Answer the charges of a period in the columns of FOCUS 1.2, a row for each type of token."""
    check_organization(organization)
    check_reads_everybody(caller)
    parameters = Parameters(request.query_params)
    form = parameters.one_of("format", tuple(_FORMATS)) or "csv"
    granularity = _granularity(parameters)
    asked = recorded_period(parameters, caller, most_days=EXPORT_DAYS)
    where = usage_filter(parameters, asked)
    if form == "parquet" and not has_parquet():
        detail = "The bridge lacks the package pyarrow: ask for csv, or install aibridge[parquet]."
        raise ApiError(400, "Format parquet is not available.", detail=detail)
    found = _export(caller, where, granularity, _FORMATS[form].write)
    headers = {**headers_of("focus", asked, form), **_told(found)}
    return StreamingResponse(_chunks(found.file), media_type=_FORMATS[form].media, headers=headers)


def _granularity(parameters: Parameters) -> int:
    asked = parameters.integer("granularity") if parameters.text("granularity") else HOUR
    if not 0 <= asked <= DAY:
        parameters.complain("granularity", f"has invalid value: must be from 0 to {DAY} seconds")
    return asked


def _export(caller: Visitor, where: UsageFilter, granularity: int, write: Write) -> Export:
    database = caller.services.database
    with database.read(seconds=READING_SECONDS) as connection:
        users = usernames(connection, where)
        named = {group.id: group.name for group in groups.list_groups(connection)}
    names = Names(ORGANIZATION.id, ORGANIZATION.name, users, named)
    try:
        return make_export(database, where, granularity, names, write)
    except ExportTooLargeError as error:
        detail = f"{error} Ask for a shorter period, or for a coarser granularity."
        raise ApiError(400, "The export is too large.", detail=detail) from error


def _told(found: Export) -> dict[str, str]:
    """Return the headers that say what a file is, so that a reader can tell that it is whole."""
    return {
        "content-length": str(found.size),
        "x-focus-version": VERSION,
        "x-checksum-sha256": found.sha256,
        "x-row-count": str(found.rows),
    }


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
