import json
import re
import traceback
from datetime import timedelta
from pathlib import Path

import pytest

from aibridge.providers.provider import Secret
from aibridge.settings import (
    FLAGS,
    OTHER_VARIABLES,
    Settings,
    SettingsError,
    describe,
    load,
)

SECRET = "sk-very-secret-key"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str) -> Path:
    file = Path("bridge.toml")
    file.write_text(text)
    return file


def problem(text: str = "", environ: dict[str, str] | None = None, **flags: object) -> str:
    with pytest.raises(SettingsError) as caught:
        load(write(text), environ or {}, flags)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


def test_defaults() -> None:
    settings = load(None, {}, {})
    assert (settings.host, settings.port, settings.log_level) == ("127.0.0.1", 4000, "info")
    assert settings.max_body_bytes == 33_554_432
    assert settings.connect_timeout_seconds == 10
    assert settings.first_byte_timeout_seconds == 600
    assert settings.idle_timeout_seconds == 300
    assert settings.allow_byok is True
    assert settings.retention == timedelta(days=60)
    assert settings.data_dir.name == "aibridge"
    assert settings.database_url == f"sqlite:///{settings.data_dir}/aibridge.db"


def test_sources_rise_from_file_to_environment_to_flags() -> None:
    file = write('host = "file"\nport = 1\nlog_level = "debug"\n')
    environ = {"AIBRIDGE_HOST": "environment", "AIBRIDGE_PORT": "2"}
    settings = load(file, environ, {"host": "flag", "port": None})
    assert (settings.host, settings.port, settings.log_level) == ("flag", 2, "debug")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('"12h"', timedelta(hours=12)),
        ('"2w"', timedelta(weeks=2)),
        ('"36500d"', timedelta(days=36_500)),
        ('"0"', None),
        ("0", None),
    ],
)
def test_retention(text: str, kept: timedelta | None) -> None:
    assert load(write(f"retention = {text}"), {}, {}).retention == kept
    assert load(None, {"AIBRIDGE_RETENTION": text.strip('"')}, {}).retention == kept


@pytest.mark.parametrize(
    "text",
    ['"60"', '"0d"', '"-1d"', '"d"', '""', "60", "1.5", "false", "[]", '"36501d"', "1979-05-27"],
)
def test_what_is_not_a_retention(text: str) -> None:
    assert re.fullmatch(
        r"retention in bridge.toml( is .+)?: expected a number and s, m, h, d or w, such as 60d.*",
        problem(f"retention = {text}"),
    )


def test_a_bad_retention_in_the_environment_is_named_as_it_stands_there() -> None:
    said = problem(environ={"AIBRIDGE_RETENTION": "2 months"})
    assert said.startswith("AIBRIDGE_RETENTION in the environment is '2 months': expected a number")


@pytest.mark.parametrize("url", ["postgresql://u:p@db/x", "postgres://db/x", "sqlite:////a/b"])
def test_a_database_of_either_engine_is_taken_as_it_is(url: str) -> None:
    settings = load(None, {"AIBRIDGE_DATABASE_URL": url}, {})
    assert settings.database_url == url
    assert url not in repr(settings)


def test_the_address_of_the_database_may_be_in_a_file() -> None:
    Path("url").write_text(" postgresql://u:p@db/x \n")
    settings = load(None, {"AIBRIDGE_DATABASE_URL": "file:url"}, {})
    assert settings.database_url == "postgresql://u:p@db/x"
    Path("url").write_text(SECRET)
    for path, expected in {"url": "expected sqlite:///PATH", "nope": "file nope cannot be"}.items():
        message = problem(f"database_url = 'file:{path}'")
        assert message.startswith("database_url in bridge.toml: ")
        assert expected in message
        assert SECRET not in message


@pytest.mark.parametrize("given", ["10.0.0.5/8, ::1", ["10.0.0.0/8", "::1/128"]])
def test_proxies_are_addresses_or_networks(given: object) -> None:
    found = load(None, {}, {"trusted_proxies": given}).trusted_proxies
    assert [str(network) for network in found] == ["10.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["10.0.0.0/99"], "'10.0.0.0/99' is no address or network"),
        (["proxy.example"], "'proxy.example' is no address or network"),
        ([""], "'' is no address or network"),
        (7, "expected a list of addresses or networks"),
        (["0.0.0.0/0"], "'0.0.0.0/0' is everybody"),
        (["::/0"], "'::/0' is everybody"),
    ],
)
def test_what_is_no_proxy(given: object, expected: str) -> None:
    message = problem(f"trusted_proxies = {json.dumps(given)}")
    assert message.startswith("trusted_proxies in bridge.toml")
    assert expected in message


@pytest.mark.parametrize("one", ["tls_cert", "tls_key"])
def test_a_certificate_and_its_key_are_given_together(one: str) -> None:
    assert "set both, or neither" in problem(f"{one} = 'a.pem'")


def test_names_of_the_bridge_are_a_list_or_stand_with_commas_between_them() -> None:
    names = ("bridge.example", "fd00::1")
    assert load(write(f"allowed_hosts = {list(names)}"), {}, {}).allowed_hosts == names
    environ = {"AIBRIDGE_ALLOWED_HOSTS": "bridge.example, FD00:0::1"}
    assert load(None, environ, {}).allowed_hosts == names


@pytest.mark.parametrize("name", ["", " ", "http://a", "a:4000", "[::1]", "a/b", "*", "a@b"])
def test_what_is_no_name_of_the_bridge(name: str) -> None:
    expected = "expected a name or an address, without scheme and port"
    assert problem(f"allowed_hosts = [{name!r}]").endswith(f": {expected}")


def test_the_database_lies_in_the_data_directory_that_was_given() -> None:
    assert load(None, {"AIBRIDGE_DATA_DIR": "/srv/x"}, {}).database_url == (
        "sqlite:////srv/x/aibridge.db"
    )


def test_the_home_directory_may_be_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    assert load(None, {}, {"data_dir": "~/b"}).data_dir == Path("/home/ana/b")


def test_an_empty_variable_is_not_given() -> None:
    assert load(None, {"AIBRIDGE_PORT": ""}, {}).port == 4000


def test_the_usual_file_is_read_when_it_is_there() -> None:
    Path("aibridge.toml").write_text("port = 7")
    assert load(None, {}, {}).port == 7


def test_a_variable_may_name_the_file() -> None:
    assert load(None, {"AIBRIDGE_CONFIG": str(write("port = 8"))}, {}).port == 8


@pytest.mark.parametrize("environ", [{}, {"AIBRIDGE_CONFIG": "missing.toml"}])
def test_a_named_file_must_exist(environ: dict[str, str]) -> None:
    config = None if environ else Path("missing.toml")
    with pytest.raises(SettingsError, match=r"missing\.toml: No such file"):
        load(config, environ, {})


def test_a_file_that_is_not_toml_is_named_with_the_line() -> None:
    assert re.search(r"bridge\.toml is not TOML: .*line 2", problem("port = 1\nhost = ="))


def test_a_file_that_is_not_text() -> None:
    Path("bridge.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load(Path("bridge.toml"), {}, {})


@pytest.mark.parametrize(
    ("text", "environ", "flags", "expected"),
    [
        ("hots = 1", {}, {}, "hots in bridge.toml is unknown; did you mean host?"),
        ("[[providers]]\ntype='openai'\nbase=1", {}, {}, "providers[0].base in bridge.toml is unk"),
        ("", {"AIBRIDGE_PROT": "1"}, {}, "AIBRIDGE_PROT in the environment is unknown; did you me"),
        ("", {"AIBRIDGE_port": "1"}, {}, "AIBRIDGE_port in the environment is unknown"),
        ("", {}, {"speed": 1}, "--speed as a flag is unknown; known are host"),
        ("port = 'x'", {}, {}, "port in bridge.toml is 'x': expected a whole number"),
        ("", {"AIBRIDGE_PORT": "70000"}, {}, "AIBRIDGE_PORT in the environment is '70000'"),
        ("", {}, {"port": -1}, "--port as a flag is -1: expected 0 or more"),
        ("log_level = 'loud'", {}, {}, "'loud': expected 'debug', 'info'"),
        ("idle_timeout_seconds = 0", {}, {}, "idle_timeout_seconds in bridge.toml is 0"),
        ("allow_byok = 'maybe'", {}, {}, "allow_byok in bridge.toml is 'maybe'"),
        ("max_body_bytes = -1", {}, {}, "max_body_bytes in bridge.toml is -1"),
        ("database_url = 'x'", {}, {}, "database_url in bridge.toml: expected sqlite:///PATH or"),
        (
            "database_url = 'mysql://s3cret@x/y'",
            {},
            {},
            "expected sqlite:///PATH or postgresql://U",
        ),
        ("providers = 'x'", {}, {}, "providers in bridge.toml: expected tables, each headed [["),
        ("", {"AIBRIDGE_PROVIDERS": "{"}, {}, "AIBRIDGE_PROVIDERS in the environment: expected a"),
        ("", {"AIBRIDGE_PROVIDERS": '[{"type":"x"}]'}, {}, "AIBRIDGE_PROVIDERS[0].type in the env"),
    ],
)
def test_what_is_wrong_is_named_with_its_source(
    text: str, environ: dict[str, str], flags: dict[str, object], expected: str
) -> None:
    assert expected in problem(text, environ, **flags)


def test_every_problem_is_named_at_once() -> None:
    text = problem("port = 'x'\nlog_level = 'y'")
    assert "port" in text
    assert "log_level" in text


def test_variables_for_clients_of_a_bridge_are_let_be() -> None:
    environ = dict.fromkeys(OTHER_VARIABLES - {"AIBRIDGE_CONFIG"}, "x")
    assert load(None, environ, {}).port == 4000


@pytest.mark.parametrize(
    ("text", "environ", "named"),
    [
        ("[recording]", {}, "recording in bridge.toml"),
        ("[recording]\nwhen_unavailable = 'spool'", {}, "recording in bridge.toml"),
        ("[recording]\nanything = 1", {}, "recording in bridge.toml"),
        *(
            ("", {f"AIBRIDGE_RECORDING_{name}": "1"}, f"AIBRIDGE_RECORDING_{name} in the env")
            for name in ("WHEN_UNAVAILABLE", "SPOOL_MAX_BYTES")
        ),
    ],
)
def test_an_option_of_an_earlier_release_is_refused_with_what_takes_its_place(
    text: str, environ: dict[str, str], named: str
) -> None:
    said = problem(text, environ)
    assert said.startswith(named)
    assert "is no option any more: " in said
    assert "journal_max_bytes" in said
    assert "durability" in said


@pytest.mark.parametrize(
    ("url", "given", "where"),
    [
        ("sqlite:///a.db", None, "journal"),
        ("postgresql://db/x", None, "database"),
        ("postgres://db/x", None, "database"),
        ("sqlite:///a.db", "database", "database"),
        ("postgresql://db/x", "journal", "journal"),
    ],
)
def test_records_must_be_where_the_engine_says_unless_it_is_said(
    url: str, given: str | None, where: str
) -> None:
    flags = {"database_url": url, "durability": given}
    assert load(None, {}, flags).durable_in == where


def test_the_journal_lies_in_the_data_directory_and_is_bounded() -> None:
    settings = load(write("data_dir = '/srv/x'"), {}, {})
    assert settings.journals == Path("/srv/x/journal")
    assert settings.journal_max_bytes == 4 << 30
    assert settings.journal_keep is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("durability = 'disk'", "'disk': expected 'journal' or 'database'"),
        ("journal_max_bytes = 5", "journal_max_bytes in bridge.toml is 5: expected"),
        ("journal_keep = '7'", "journal_keep in bridge.toml is '7': expected a number and s,"),
    ],
)
def test_what_is_wrong_of_the_journal_is_named(text: str, expected: str) -> None:
    assert expected in problem(text)


def test_the_usual_providers_take_the_usual_keys() -> None:
    environ = {"ANTHROPIC_API_KEY": SECRET, "OPENAI_API_KEY": ""}
    providers = load(write("providers = []"), environ, {}).providers
    assert [(p.name, p.type, len(p.api_keys)) for p in providers] == [
        ("anthropic", "anthropic", 1),
        ("openai", "openai", 0),
        ("copilot", "copilot", 0),
    ]
    assert providers[0].api_keys == (Secret(SECRET),)


def test_a_provider_takes_name_and_address_from_its_type() -> None:
    (provider,) = load(write("[[providers]]\ntype = 'openrouter'"), {}, {}).providers
    assert provider.name == "openrouter"
    assert provider.base_url == "https://openrouter.ai/api/v1/"
    assert provider.ask_for_usage is True


def test_providers_may_come_as_json_from_the_environment() -> None:
    environ = {"AIBRIDGE_PROVIDERS": '[{"type": "openai", "name": "o-2", "ask_for_usage": false}]'}
    (provider,) = load(None, environ, {}).providers
    assert (provider.name, provider.ask_for_usage) == ("o-2", False)


def test_agents_are_tables_or_json_in_the_environment() -> None:
    table = "[[agents]]\nname='Night'\nuser_agents=['night/']\nsession_headers=['X-Night-Id']"
    environ = {"AIBRIDGE_AGENTS": '[{"name": "Day", "markers": ["x-day"]}]'}
    (night,) = load(write(table), {}, {}).agents
    assert (night.name, night.session_headers) == ("Night", ("x-night-id",))
    assert [agent.name for agent in load(write(table), environ, {}).agents] == ["Day"]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("user_agents=['night/']", "agents[0].name in bridge.toml"),
        ("name='Night'\nuser_agent='night/'", "is unknown; did you mean user_agents?"),
        ("name='Night'\nmarkers=['a b']", "agents[0].markers[0]"),
    ],
)
def test_an_agent_that_cannot_be(table: str, expected: str) -> None:
    assert expected in problem("[[agents]]\n" + table)


def test_keys_come_from_variables_files_or_stand_there() -> None:
    Path("key").write_text(" from-file \nsecond line")
    keys = "api_keys = ['env:A_KEY', 'file:key', 'sk-plain']"
    settings = load(write(f"[[providers]]\ntype='openai'\n{keys}"), {"A_KEY": "from-env"}, {})
    assert [key.reveal() for key in settings.providers[0].api_keys] == [
        "from-env",
        "from-file",
        "sk-plain",
    ]
    assert not re.search("from|plain", repr(settings))


def test_keys_stay_unread_for_those_who_need_none() -> None:
    file = write("[[providers]]\ntype='openai'\napi_keys=['env:NOT_SET']")
    (provider,) = load(file, {}, {}, read_keys=False).providers
    assert provider.api_keys == (Secret(""),)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("", "providers[0].type in bridge.toml: it is needed"),
        ("type='openia'", "is 'openia': expected one of anthropic, openai"),
        ("type='openai'\nname='Bad_Name'", "is 'Bad_Name': expected lower-case letters"),
        ("type='openai'\nname='a--b'", "expected lower-case letters"),
        (f"type='openai'\nname='{'a' * 65}'", "64 characters or fewer"),
        ("type='openai'\nname='sessions'", "this name is reserved"),
        ("type='openai-compat'", "has no default address"),
        ("type='openai'\nbase_url='api.openai.com'", "expected an absolute http"),
        ("type='openai'\nbase_url='ftp://x/'", "expected an absolute http"),
        ("type='openai'\nbase_url='http://x/v1?a=b'", "must not have a query"),
        ("type='openai'\nbase_url='http://x/v1#'", "must not have a query"),
        ("type='openai'\nbase_url='http://x/a/../b'", "an address must not have"),
        ("type='openai'\nbase_url='http://x:port/'", "is not an address"),
        (f"type='openai'\nbase_url='http://u:{SECRET}@x/'", "must not hold a user or password"),
        ("type='anthropic'\nbase_url='https://x/v1'", "begin with /v1: leave it out"),
        (f"type='copilot'\napi_keys=['{SECRET}']", "type copilot takes none"),
        ("type='openai'\napi_keys=['env:NOPE']", "variable NOPE is not set"),
        (f"type='openai'\napi_keys=['env:{SECRET}']", "is followed by the name of a variable"),
        ("type='openai'\napi_keys=['env:BLANK']", "variable BLANK is not set, or is empty"),
        ("type='openai'\napi_keys=['file:nope']", "key file nope cannot be read: No such file"),
        ("type='openai'\napi_keys=['file:empty']", "key file empty has an empty first line"),
        ("type='openai'\napi_keys=['file:binary']", "key file binary cannot be read"),
        (f"type='openai'\napi_keys=['{SECRET} x']", "printable ASCII characters without spaces"),
        (f"type='openai'\napi_keys=['{SECRET}\\n']".replace("'", '"'), "printable ASCII"),
        ("type='openai'\napi_keys=['']", "printable ASCII"),
        ("type='openai'\napi_keys=[1]", "providers[0].api_keys[0] in bridge.toml: expected text"),
        (f"type='openai'\napi_keys='{SECRET}'", "providers[0].api_keys in bridge.toml: expected"),
        ("type='openai'\napi_keys=['1','2','3','4','5','6']", "5 or fewer of them"),
        ("type='openai'\n[[providers]]\ntype='openai'", "used twice: openai"),
    ],
)
def test_a_provider_that_cannot_be_used(table: str, expected: str) -> None:
    Path("empty").touch()
    Path("binary").write_bytes(b"\xff\xff")
    message = problem("[[providers]]\n" + table, {"BLANK": " "})
    assert expected in message
    assert SECRET not in message


def test_a_key_in_the_wrong_place_is_not_repeated() -> None:
    assert SECRET not in problem(f"providers = '{SECRET}'")
    assert SECRET not in problem(f"providers = ['{SECRET}']")
    assert SECRET not in problem(f"api_keys = ['{SECRET}']")


def test_every_option_is_described() -> None:
    options = {option.name: option for option in describe()}
    assert set(Settings.model_fields) < set(options)
    assert all(option.meaning.endswith(".") for option in options.values())
    assert options["port"].env == "AIBRIDGE_PORT"
    assert (options["port"].flag, options["port"].default) == ("--port", "4000")
    assert {name for name, option in options.items() if option.flag} == {*FLAGS, "config"}
    assert options["providers.ask_for_usage"].default == "true"
    assert options["providers.type"].env == ""
