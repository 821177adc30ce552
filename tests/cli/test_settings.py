"""A wrong setting is refused in one line that names it; variables of other programs are ignored."""

import pytest
from pydantic import ValidationError

from insula.cli.checks import unsafe
from insula.cli.environment import to_environment
from insula.cli.failing import wrong_setting
from insula.core.settings import Settings
from tests.support.apps import INSTALLATION
from tests.support.processes import insula, insula_anew

KUBERNETES = {
    "INSULA_HTTP_SERVICE_HOST": "10.0.0.7",
    "INSULA_HTTP_SERVICE_PORT": "80",
    "INSULA_HTTP_SERVICE_PORT_WEB": "80",
    "INSULA_HTTP_PORT": "tcp://10.0.0.7:80",
    "INSULA_HTTP_PORT_80_TCP": "tcp://10.0.0.7:80",
    "INSULA_HTTP_PORT_80_TCP_ADDR": "10.0.0.7",
    "INSULA_HTTP_PORT_80_TCP_PORT": "80",
    "INSULA_HTTP_PORT_80_TCP_PROTO": "tcp",
    "INSULA_MAIL_PORT": "tcp://10.0.0.8:25",
    "INSULA_MAIL_PORT_25_TCP": "tcp://10.0.0.8:25",
    "INSULA_AUTH_SERVICE_HOST": "10.0.0.9",
    "INSULA_DATABASE_POOLER_SERVICE_HOST": "10.0.0.10",
    "INSULA_DATABASE_POOLER_PORT_6432_TCP": "tcp://10.0.0.10:6432",
    "INSULA_SERVICE_HOST": "10.0.0.11",
    "INSULA_PORT": "tcp://10.0.0.11:80",
}
SECRET = "canary-of-a-secret"


def test_variables_of_kubernetes_services_are_no_settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    done = insula(settings, "doctor", **KUBERNETES)
    monkeypatch.setenv("INSULA_HTTP_SERVICE", "10.0.0.7")
    with pytest.raises(ValidationError) as mistyped:
        Settings()

    assert (done.returncode, "✗" in done.stdout) == (0, False), done.stdout + done.stderr
    assert wrong_setting(mistyped.value) == (
        "INSULA_HTTP_SERVICE is wrong: there is no such setting (see .env.example)"
    )


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = INSTALLATION.settings_type
    for name in to_environment(kind.model_construct()):
        monkeypatch.setenv(name, "")

    assert kind() == kind.model_construct()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("INSULA_LOG_LEVEL", "LOUD", "Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("INSULA_HTTP_DRAIN_SECONDS", SECRET, "Input should be a valid number, unable to parse string as a number"),
        ("INSULA_HTTP_COLOUR", SECRET, "there is no such setting (see .env.example)"),
        ("INSULA_HTTP_TRUSTED_PROXIES", "*", "'*' is not an address or network such as 10.0.0.0/8"),
        ("INSULA_HTTP_TRUSTED_PROXIES", "10.0.0.1, proxy", "'proxy' is not an address or network such as 10.0.0.0/8"),
        ("INSULA_MAIL_PORT", "0", "Input should be greater than or equal to 1"),
        ("INSULA_PUBLIC_URL", "app.example.com", "must be an origin such as https://app.example.com"),
        (
            "REDIS_URL",
            f"http://:{SECRET}@host",
            "must be a URL such as redis://host:6379/0, rediss://host:6379/0 or unix:///path",
        ),
    ],
)
def test_a_wrong_value_is_reported_in_one_line_that_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        Settings()

    assert wrong_setting(refused.value) == f"{name} is wrong: {reason}"


@pytest.mark.parametrize("command", ["doctor", "serve"])
def test_proxies_that_are_no_networks_are_refused_by_every_command(settings: Settings, command: str) -> None:
    done = insula(settings, command, INSULA_HTTP_TRUSTED_PROXIES="*")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "insula: INSULA_HTTP_TRUSTED_PROXIES is wrong: '*' is not an address or network such as 10.0.0.0/8\n"
    )


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("INSULA_HTTP_TRUSTED_PROXIES", "0.0.0.0/0", "must not include every address: any caller could forge its own"),
        (
            "INSULA_HTTP_TRUSTED_PROXIES",
            "10.0.0.1,::/0",
            "must not include every address: any caller could forge its own",
        ),
        ("INSULA_HTTP_METRICS_TOKEN", "short", "must hold at least 16 characters, or none"),
        ("INSULA_AUTH_KEY_ENCRYPTION_KEY", "%" * 43, "must be 32 random bytes as URL-safe base64"),
        (
            "DATABASE_URL",
            "postgresql://u@one,two/shop",
            "names several hosts; name one host that always leads to the primary",
        ),
        (
            "INSULA_DATABASE_DIRECT_URL",
            f"postgresql://u:{SECRET}@db.example/shop?sslmode=verify-full",
            "has sslmode=verify-full and no sslrootcert: name the authority's file, or 'system'",
        ),
    ],
)
def test_an_unsafe_value_is_reported_in_one_line_that_names_its_variable(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    for variable, usual in to_environment(settings).items():
        monkeypatch.setenv(variable, usual)
    assert unsafe(Settings()) == []
    monkeypatch.setenv(name, value)

    assert unsafe(Settings()) == [f"{name} {reason}"]


def test_doctor_reports_the_settings_that_serve_refuses(settings: Settings) -> None:
    everybody = {"INSULA_HTTP_TRUSTED_PROXIES": "0.0.0.0/0"}
    serve, worker, doctor = (insula_anew(settings, command, **everybody) for command in ("serve", "worker", "doctor"))
    line = "INSULA_HTTP_TRUSTED_PROXIES must not include every address: any caller could forge its own"

    for refused in (serve, worker):
        assert refused.returncode == 1
        assert refused.stderr == f"insula: these settings are not safe:\n  {line}\n"
    assert (doctor.returncode, doctor.stderr) == (1, "")
    assert f"✗ settings: {line}\n" in doctor.stdout


@pytest.mark.parametrize("command", [["migrate"], ["backup", "x"]])
def test_an_ambiguous_database_url_stops_a_command(settings: Settings, command: list[str]) -> None:
    wrong = f"postgresql://u:{SECRET}@db.example/shop?connect_timeout=3"
    done = insula(settings, *command, DATABASE_URL=wrong, INSULA_DATABASE_DIRECT_URL=wrong)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert done.stderr.startswith("insula: ")
    assert "has the parameter 'connect_timeout'" in done.stderr
    assert SECRET not in done.stderr
