"""The settings of recording: the table ``[recording]``."""

from typing import Literal

from pydantic import BaseModel, Field

from aibridge.providers.settings import CHECKED

MIB = 1 << 20


class RecordingSettings(BaseModel):
    """What happens to records while the database is away. Sizes are in bytes."""

    model_config = CHECKED

    when_unavailable: Literal["spool", "refuse"] = Field(
        default="spool",
        description="What happens while the database is away: records wait in a file in data_dir "
        "(spool), or calls are refused with 503 (refuse).",
    )
    spool_max_bytes: int = Field(
        default=1024 * MIB,
        ge=MIB,
        description="How large that file may become, in bytes; when it is full, calls are refused.",
    )
