"""The files of a deployment: what they promise is read out of them, and options exist."""

import configparser
import fnmatch
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from aibridge.keeper.supervisor import STOP_SECONDS
from aibridge.settings import Settings, load

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
DEFAULTS = Settings()


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order; continued lines are one, comments none."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    found = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    return [(name, " ".join(rest.split())) for name, rest in found]


def stage(last: bool) -> list[tuple[str, str]]:
    """The instructions of the stage that is built in, or of the one that runs."""
    steps = instructions()
    start = [number for number, (name, _) in enumerate(steps) if name == "FROM"][-1]
    return steps[start:] if last else steps[:start]


def of(name: str, steps: list[tuple[str, str]]) -> list[str]:
    return [rest for instruction, rest in steps if instruction == name]


def variables(steps: list[tuple[str, str]]) -> dict[str, str]:
    words = [word for rest in of("ENV", steps) for word in shlex.split(rest)]
    return dict(word.split("=", 1) for word in words)


def compose() -> dict[str, Any]:
    content = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert isinstance(content, dict)
    return content


def unit() -> dict[str, list[str]]:
    """The options of the systemd unit; one that repeats has each value."""
    lines = (DEPLOY / "aibridge.service").read_text().splitlines()
    found: dict[str, list[str]] = {}
    for line in lines:
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_the_image_runs_as_a_fixed_user_that_is_not_root() -> None:
    (user,) = of("USER", stage(last=True))
    assert re.fullmatch(r"[1-9]\d{4}:[1-9]\d{4}", user)
    names = [name for name, _ in stage(last=True)]
    assert names.index("USER") > names.index("RUN")
    assert "RUN" not in names[names.index("USER") :]


def test_all_that_is_installed_is_pinned_by_its_hash_or_ours() -> None:
    installs = [
        step for step in of("RUN", instructions()) if re.search(r"\bpip\b.* (install|w)", step)
    ]
    assert len(installs) == 4
    for step in installs:
        ours = "--no-index --no-deps" in step
        pinned = "--require-hashes --only-binary=:all: --requirement requirements/" in step
        assert ours != pinned
    assert not re.search(r"apt|curl|wget|ADD |://", (ROOT / "Dockerfile").read_text())


def test_nothing_is_built_in_what_runs() -> None:
    assert not any("pip" in step for step in of("RUN", stage(last=True)))
    assert "COPY --from=build /opt/aibridge /opt/aibridge" in [
        f"{name} {rest}" for name, rest in stage(last=True)
    ]


def test_the_image_is_started_stopped_and_watched_without_a_shell() -> None:
    steps = stage(last=True)
    assert [json.loads(rest) for rest in of("ENTRYPOINT", steps)] == [["aibridge"]]
    assert [json.loads(rest) for rest in of("CMD", steps)] == [["serve"]]
    assert of("STOPSIGNAL", steps) == ["SIGTERM"]
    (watch,) = of("HEALTHCHECK", steps)
    assert json.loads(watch.partition(" CMD ")[2]) == ["python", "/opt/aibridge/healthcheck.py"]


def test_the_image_has_settings_that_are_options_and_no_secrets() -> None:
    environ = variables(stage(last=True))
    ours = {name: value for name, value in environ.items() if name.startswith("AIBRIDGE_")}
    settings = load(None, ours, {})
    assert settings.host == "0.0.0.0"  # noqa: S104 - a container's own addresses
    assert str(settings.port) == of("EXPOSE", stage(last=True))[0]
    assert str(settings.data_dir) == of("VOLUME", stage(last=True))[0]
    text = (ROOT / "Dockerfile").read_text()
    assert not re.search(r"(KEY|TOKEN|PASSWORD|SECRET)\w*=", text)


def test_what_the_image_copies_is_there_and_nothing_else_is_sent() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    sent = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = [shlex.split(rest)[:-1] for rest in of("COPY", instructions()) if "--from" not in rest]
    assert rules[0] == "*"
    assert {source for sources in copied for source in sources} == sent
    assert all((ROOT / source).exists() for source in sent)
    assert any(fnmatch.fnmatch("src/aibridge.db", rule) for rule in rules if rule[0] != "!")


@pytest.mark.parametrize("name", ["bridge", "database"])
def test_a_service_can_do_no_more_than_it_needs(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert not any(
        ":" not in str(volume) or str(volume)[0] in "./~" for volume in service["volumes"]
    )


def test_the_bridge_alone_is_published_and_on_loopback_only() -> None:
    services = compose()["services"]
    assert "ports" not in services["database"]
    (port,) = services["bridge"]["ports"]
    assert re.fullmatch(r"127\.0\.0\.1:.+:4000", port)
    assert services["database"]["networks"] == ["inside"]
    assert compose()["networks"]["inside"] == {"internal": True}


def test_the_bridge_waits_for_a_database_that_is_healthy_and_has_time_to_stop() -> None:
    bridge, database = (compose()["services"][name] for name in ("bridge", "database"))
    assert bridge["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert database["healthcheck"]["test"][1] == "pg_isready"
    assert seconds(bridge["stop_grace_period"]) > DEFAULTS.stop_seconds + STOP_SECONDS


def test_passwords_are_hashed_by_scram_and_none_is_in_the_file() -> None:
    content = compose()
    database = content["services"]["database"]["environment"]
    assert (
        "--auth-host=scram-sha-256 --auth-local=scram-sha-256" in database["POSTGRES_INITDB_ARGS"]
    )
    assert database["POSTGRES_PASSWORD_FILE"] == "/run/secrets/postgres_password"
    assert "POSTGRES_PASSWORD" not in database
    assert all(set(secret) == {"file"} for secret in content["secrets"].values())
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    for secret in content["secrets"].values():
        assert secret["file"].startswith("./secrets/")
    assert "secrets/" in ignored


def test_the_settings_of_the_composition_are_options(tmp_path: Path) -> None:
    content = compose()
    bridge = content["services"]["bridge"]
    for secret in bridge["secrets"]:
        (tmp_path / secret).write_text(f"postgresql://u@{secret}/x")
    environ = {
        name: value.replace("/run/secrets", str(tmp_path))
        for name, value in bridge["environment"].items()
    }
    settings = load(None, environ, {})
    assert settings.database_url.startswith("postgresql://")
    assert settings.providers[0].api_keys
    assert set(bridge["secrets"]) < set(content["secrets"])


UNIT = {
    "Type": "exec",
    "DynamicUser": "yes",
    "StateDirectoryMode": "0700",
    "UMask": "0077",
    "LimitNOFILE": "65536",
    "KillSignal": "SIGTERM",
    "ExecReload": "/bin/kill -HUP $MAINPID",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "CapabilityBoundingSet": "",
    "MemoryDenyWriteExecute": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
}


@pytest.mark.parametrize("name", UNIT)
def test_the_service_can_do_no_more_than_it_needs(name: str) -> None:
    assert unit()[name] == [UNIT[name]]


def test_the_service_filters_system_calls_and_has_time_to_stop() -> None:
    options = unit()
    assert options["SystemCallFilter"] == ["@system-service", "~@privileged"]
    assert seconds(options["TimeoutStopSec"][0]) > DEFAULTS.stop_seconds + STOP_SECONDS
    (state,) = options["StateDirectory"]
    assert options["Environment"] == [f"AIBRIDGE_DATA_DIR=/var/lib/{state}"]
    assert options["LoadCredential"]


def test_the_service_is_of_the_form_that_systemd_reads() -> None:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "aibridge.service")
    assert parser.sections() == ["Unit", "Service", "Install"]
    assert shlex.split(parser["Service"]["ExecStart"])[1:3] == ["serve", "--config"]


@pytest.mark.parametrize(
    ("file", "largest", "pause"),
    [
        ("nginx.conf", r"client_max_body_size (\d+)m;", r"proxy_read_timeout (\d+)s;"),
        ("Caddyfile", r"max_size (\d+)MiB", r"response_header_timeout (\d+)s"),
    ],
)
def test_a_proxy_in_front_allows_what_the_bridge_does(file: str, largest: str, pause: str) -> None:
    text = (DEPLOY / file).read_text()
    body, wait = (int(re.findall(pattern, text)[0]) for pattern in (largest, pause))
    assert body * 1024 * 1024 == DEFAULTS.max_body_bytes
    assert wait > DEFAULTS.first_byte_timeout_seconds


@pytest.mark.parametrize(
    "line",
    [
        "proxy_pass http://aibridge;",
        "proxy_buffering off;",
        "proxy_request_buffering off;",
        "proxy_next_upstream off;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "proxy_set_header X-Forwarded-Proto $scheme;",
    ],
)
def test_nginx_passes_events_at_once_and_believes_no_client(line: str) -> None:
    assert f"        {line}\n" in (DEPLOY / "nginx.conf").read_text()


def test_the_pods_of_the_page_can_do_no_more_than_they_need() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    (pods,) = [block["spec"] for block in blocks if block.get("kind") == "StatefulSet"]
    pod = pods["template"]["spec"]
    (container,) = pod["containers"]
    assert f"{pod['securityContext']['runAsUser']}:" in of("USER", stage(last=True))[0]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["terminationGracePeriodSeconds"] > DEFAULTS.stop_seconds + STOP_SECONDS
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
