"""Every option, once: its default, where it may come from, what it means.

Sources in rising order: defaults, the TOML file, the environment (``AIBRIDGE_*``), flags. They
are read once, at the edge, by `load`, which is given the environment and looks at nothing else
around it. What is wrong is said with the key, its source and what is expected; the value of
anything that may hold a secret is never repeated.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_dir
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from aibridge.agents.settings import AgentSettings
from aibridge.contract.wording import meant, worded
from aibridge.durations import duration_text, parse_duration
from aibridge.listener.settings import ListenerSettings
from aibridge.providers import encryption
from aibridge.providers.settings import ProviderSettings, first_line

PREFIX = "AIBRIDGE_"
CONFIG_FILE = "aibridge.toml"
CONFIG_VARIABLE = "AIBRIDGE_CONFIG"
OTHER_VARIABLES = frozenset(
    {CONFIG_VARIABLE, encryption.VARIABLE, "AIBRIDGE_URL", "AIBRIDGE_TOKEN", "AIBRIDGE_LOG"}
)
"""Variables of the prefix that are no options: the last three are for clients of a bridge.

The secret key is read where a provider's key is decrypted, and kept nowhere.
"""

FLAGS = ("host", "port", "workers", "data_dir", "database_url", "log_level")
"""The options that are flags of ``aibridge serve`` too."""

KEYS_BY_DEFAULT = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY", "copilot": ""}
"""The providers of an installation that configures none, and the variables of their keys."""

_GONE = {
    "recording": "records wait in the journal now, whose room is journal_max_bytes; durability "
    "says where a record must be until a client sees the end of its answer",
}
"""Options of earlier releases, with what takes their places."""

_DATABASES = ("sqlite:///", "postgresql://", "postgres://")
_NEVER_SHOWN = frozenset({"api_keys", "base_url", "database_url", "providers"})
_MAX_SHOWN = 80

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


def _duration(value: object) -> object:
    if value is None or isinstance(value, timedelta):
        return value
    try:
        return parse_duration("0" if value == 0 and value is not False else str(value))
    except ValueError:
        raise ValueError(
            "expected a number and s, m, h, d or w, such as 60d, up to 100 years; or 0"
        ) from None


Duration = Annotated[timedelta | None, BeforeValidator(_duration)]
"""A length of time as `parse_duration` reads it; `None` is what is written 0."""


class SettingsError(Exception):
    """The settings cannot be used; the text names the key, its source and what is expected."""


LogLevel = Literal["debug", "info", "warning", "error"]


class Settings(ListenerSettings):
    """All options, checked. Times are in seconds, sizes in bytes."""

    data_dir: Path = Field(
        default_factory=lambda: Path(user_data_dir("aibridge")),
        description="Where the bridge keeps its files.",
    )
    database_url: str = Field(
        default="",
        repr=False,
        description="The database, sqlite:///PATH or postgresql://USER@HOST/NAME, or file:PATH of "
        "a file that holds this; the file aibridge.db in data_dir if left out.",
    )
    retention: Duration = Field(
        default=timedelta(days=60),
        description="How long sessions are kept after the last that happened in them, such as 60d, "
        "12h or 2w; 0 keeps them for ever.",
    )
    session_pause: Duration = Field(
        default=timedelta(hours=24),
        description="A session ends once its client has sent nothing for this long, such as 24h; "
        "what the client sends later under the same id begins another one. 0 ends none.",
    )
    log_level: LogLevel = Field(default="info", description="debug, info, warning or error.")
    max_body_bytes: int = Field(
        default=32 * 1024 * 1024,
        gt=0,
        description="The largest request body that is accepted, in bytes.",
    )
    max_buffered_bytes: int = Field(
        default=512 * 1024 * 1024,
        ge=1024 * 1024,
        description="How many bytes of request bodies each process keeps until their answers "
        "begin, a quarter of them of one user; new calls wait for room, then get 503.",
    )
    connect_timeout_seconds: Seconds = Field(
        default=10.0, description="How long connecting to a provider may take."
    )
    first_byte_timeout_seconds: Seconds = Field(
        default=600.0, description="How long a provider may take until its answer begins."
    )
    idle_timeout_seconds: Seconds = Field(
        default=300.0, description="How long a provider may pause within an answer."
    )
    allow_byok: bool = Field(
        default=True,
        description="Whether callers may bring their own provider credential beside their token.",
    )
    budget_mode: Literal["reserve", "check", "observe"] = Field(
        default="reserve",
        description="How budgets are kept: no call begins whose cost may not fit any more "
        "(reserve); calls begin while anything is left, so that those under way at once may pass "
        "the limit by what they cost (check); none is refused, and the log says which would have "
        "been (observe).",
    )
    budget_unpriced: Literal["refuse", "allow"] = Field(
        default="refuse",
        description="Whether somebody with a budget may call a model that has no price, which "
        "then counts as nothing.",
    )
    budget_thresholds: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(
        default=(85, 100),
        description="At which parts of a limit, in percent, the audit log and budget_webhook_url "
        "are told what is spent.",
    )
    budget_webhook_url: str = Field(
        default="",
        pattern="^(https?://.*)?$",
        repr=False,
        description="Where each of budget_thresholds that is reached is posted to as JSON.",
    )
    budget_webhook_key: SecretStr = Field(
        default=SecretStr(""),
        description="The key that what is posted there is signed with, in X-AI-Bridge-Signature "
        "(HMAC-SHA256).",
    )
    members_read_own: bool = Field(
        default=False,
        description="Whether everybody may read what was recorded of themselves, and not only "
        "owners and auditors what was recorded of all.",
    )
    make_owner: bool = Field(
        default=True,
        description="Whether a start without any user makes the owner admin and prints a token for "
        "30 days; if not, whoever first calls POST /api/v2/users/first becomes the owner.",
    )
    known_tokens_seconds: float = Field(
        default=900.0,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        description="How long tokens that were in use go on working while PostgreSQL cannot be "
        "asked about them.",
    )
    stop_seconds: Seconds = Field(
        default=30.0,
        description="How long running answers may go on after the bridge was told to stop.",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=256,
        description="How many processes serve.",
    )
    durability: Literal["journal", "database"] | None = Field(
        default=None,
        description="Where a call's record must be until its client sees the end of the answer: "
        "in the journal in data_dir (journal), the default with SQLite, or in the database too "
        "(database), the default with PostgreSQL, so that the disk of data_dir may be lost. While "
        "the database is away the journal is enough for both.",
    )
    journal_max_bytes: int = Field(
        default=4 << 30,
        ge=16 << 20,
        description="How large the journal of each process may become, such as while the database "
        "is away, in bytes; the last sixteenth is for calls that run, and new ones are refused.",
    )
    journal_keep: Duration = Field(
        default=None,
        description="How long what the database has stays in the journal, such as 7d, up to half "
        "of journal_max_bytes; 0, the default, keeps nothing.",
    )
    providers: tuple[ProviderSettings, ...] = Field(
        default=(),
        description="The upstreams, a table each (JSON in the environment); anthropic, openai and "
        "copilot if left out, with the keys in ANTHROPIC_API_KEY and OPENAI_API_KEY.",
    )

    agents: tuple[AgentSettings, ...] = Field(
        default=(),
        description="Clients that the built-in table of agents does not know, a table each (JSON "
        "in the environment).",
    )

    @property
    def journals(self) -> Path:
        """Where the journals are."""
        return self.data_dir / "journal"

    @property
    def catalogue(self) -> Path:
        """Where the shipped price lists are kept once they have been read."""
        return self.data_dir / "prices"

    @property
    def durable_in(self) -> Literal["journal", "database"]:
        """Where records must be until clients see the ends of answers."""
        if self.durability is not None:
            return self.durability
        return "journal" if self.database_url.startswith("sqlite") else "database"

    @field_validator("data_dir")
    @classmethod
    def _home(cls, value: Path) -> Path:
        return value.expanduser()

    @field_validator("database_url")
    @classmethod
    def _in_data_dir(cls, value: str, info: ValidationInfo) -> str:
        if not value and "data_dir" in info.data:
            return f"sqlite:///{info.data['data_dir'] / 'aibridge.db'}"
        if value.startswith("file:"):
            value = first_line(Path(value.removeprefix("file:")), "file")
        if value and not value.startswith(_DATABASES):
            raise ValueError("expected sqlite:///PATH or postgresql://USER@HOST/NAME")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("providers", mode="before")
    @classmethod
    def _usual_ones(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, list | tuple):
            raise ValueError("expected tables, each headed [[providers]]")  # noqa: TRY004
        if value:
            return value
        environ = (info.context or {}).get("environ", {})
        return [
            {"type": kind, "api_keys": [f"env:{variable}"] if environ.get(variable) else []}
            for kind, variable in KEYS_BY_DEFAULT.items()
        ]

    @field_validator("providers")
    @classmethod
    def _distinct(cls, value: tuple[ProviderSettings, ...]) -> tuple[ProviderSettings, ...]:
        names = [provider.name for provider in value]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"names must differ; used twice: {', '.join(repeated)}")
        return value


LISTS: dict[str, type[BaseModel]] = {"providers": ProviderSettings, "agents": AgentSettings}
"""The options that are lists of tables of options."""


def load(
    config: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, Any],
    *,
    read_keys: bool = True,
) -> Settings:
    """Read the settings. A flag that is `None` and a variable that is empty count as not given.

    ``config`` is a file that must exist; without one ``AIBRIDGE_CONFIG`` may name it, and else
    ``aibridge.toml`` in the working directory is read if it is there. ``read_keys=False`` leaves
    the providers' keys unread, for commands that call no provider. Raises `SettingsError`.
    """
    file = config_file(config, environ)
    sources = [
        _Source(f"in {file}", {} if file is None else read_file(file)),
        _Source("in the environment", _read_environment(environ)),
        _Source("as a flag", {key: value for key, value in flags.items() if value is not None}),
    ]
    merged = {key: value for source in sources for key, value in source.values.items()}
    context = {"environ": environ, "read_keys": read_keys}
    try:
        return Settings.model_validate(merged, context=context)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise SettingsError("; ".join(_say(detail, sources) for detail in details)) from None


@dataclass(frozen=True, slots=True)
class _Source:
    """Where values come from. ``name`` follows a key: "port in bridge.toml"."""

    name: str
    values: Mapping[str, Any]

    def called(self, path: str, key: str) -> str:
        """A key as it is written in this source."""
        if self.name == "in the environment":
            return PREFIX + key.upper() + path.removeprefix(key)
        return "--" + key.replace("_", "-") if self.name == "as a flag" else path


def config_file(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the file that is read: ``config``, the variable's, or the usual one if it is there."""
    if config is not None:
        return config
    if environ.get(CONFIG_VARIABLE):
        return Path(environ[CONFIG_VARIABLE])
    usual = Path(CONFIG_FILE)
    return usual if usual.exists() else None


def read_file(path: Path) -> dict[str, Any]:
    """Return what a file says, unchecked. Raises `SettingsError`."""
    try:
        return tomllib.loads(path.expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"the configuration file {path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"the configuration file {path} is not TOML: {error}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"the configuration file {path} is not UTF-8 text") from None


def _read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    known = {PREFIX + key.upper(): key for key in Settings.model_fields}
    for variable, value in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable in OTHER_VARIABLES:
            continue
        if variable not in known:
            reason = _gone_variable(variable) or f" is unknown{_guess(variable, list(known))}"
            raise SettingsError(f"{variable} in the environment{reason}")
        if value:
            key = known[variable]
            values[key] = _json(variable, value) if key in LISTS else value
    return values


def _gone(key: str) -> str:
    """Say of an option of an earlier release what takes its place; nothing of any other."""
    return f" is no option any more: {_GONE[key]}" if key in _GONE else ""


def _gone_variable(variable: str) -> str:
    """Say the same of a variable that set a part of such an option."""
    found = (key for key in _GONE if variable.startswith(f"{PREFIX}{key.upper()}_"))
    return _gone(next(found, ""))


def _json(variable: str, value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        raise SettingsError(f"{variable} in the environment: expected a JSON array") from None


def _say(detail: ErrorDetails, sources: list[_Source]) -> str:
    """One problem in one sentence: the key, where it is, what is wrong, what is expected."""
    key = str(detail["loc"][0])
    path = _path(detail["loc"])
    given = [source for source in sources if key in source.values]
    place = f"{given[-1].called(path, key)} {given[-1].name}" if given else f"{path} by default"
    if detail["type"] == "extra_forbidden":
        model = LISTS[key] if len(detail["loc"]) > 1 else Settings
        guess = _guess(str(detail["loc"][-1]), list(model.model_fields))
        return place + (_gone(key) or f" is unknown{guess}")
    message = worded(detail)
    return f"{place}{_shown(detail)}: {message[:1].lower()}{message[1:]}"


def _path(location: tuple[int | str, ...]) -> str:
    """A place in the file, as a person would write it: ``providers[1].base_url``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "".join(steps).removeprefix(".")


def _shown(detail: ErrorDetails) -> str:
    """The value at fault, unless it is a table, long, or where a secret may stand."""
    last, value = detail["loc"][-1], detail["input"]
    secret = isinstance(last, int) or last in _NEVER_SHOWN
    shown = isinstance(value, str | int | float) and not secret and len(repr(value)) <= _MAX_SHOWN
    return f" is {value!r}" if shown else ""


def _guess(name: str, known: list[str]) -> str:
    return meant(name, known) or "; known are " + ", ".join(known)


@dataclass(frozen=True, slots=True)
class Option:
    """A line of the options table in the docs; empty where there is no variable or flag."""

    name: str
    env: str
    flag: str
    default: str
    meaning: str


def describe() -> list[Option]:
    """Return every option in the order of the settings, those within lists last."""
    config = Option(
        "config",
        CONFIG_VARIABLE,
        "--config",
        f"{CONFIG_FILE} in the working directory, if it is there",
        "The TOML file that holds the options.",
    )
    options = (
        Option(
            name,
            PREFIX + name.upper(),
            "--" + name.replace("_", "-") if name in FLAGS else "",
            _default(field),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    )
    of_lists = (
        Option(f"{table}.{name}", "", "", _default(field), field.description or "")
        for table, model in LISTS.items()
        for name, field in model.model_fields.items()
    )
    return [config, *options, *of_lists]


def _default(field: FieldInfo) -> str:
    """A default as TOML writes it; empty where the meaning tells it or there is none."""
    if field.default_factory is not None:
        return "the user's data directory of the platform"
    default = None if field.is_required() else field.default
    if isinstance(default, timedelta):
        default = duration_text(default)
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    return "" if default in (None, "", ()) else json.dumps(default)
