"""Settings: where they come from, what is refused and in which words, what is shown."""

from pathlib import Path

import pytest

from libs.shared.config import Address, Endpoint, Settings
from libs.shared.config.reader import Effective, read
from libs.shared.config.report import report
from libs.shared.errors import Broken, Invalid
from libs.shared.values import Secret


class Accounts(Settings):
    token_ttl: float = 7200
    """Life of an access token, in seconds."""
    pepper: Secret = Secret("")
    """Mixed into hashes."""
    domains: tuple[str, ...] = ()
    """Accepted mail domains."""


class Notification(Settings):
    group_wait: float = 5
    """Seconds."""


def settings(**variables: str) -> Effective:
    return read({"accounts": Accounts}, elsewhere={"notification": lambda: Notification}, variables=dict(variables))


def refusal(**variables: str) -> Invalid:
    with pytest.raises(Invalid) as caught:
        settings(**variables)
    return caught.value


def origin(effective: Effective, name: str) -> tuple[str, str]:
    return next((o.shown, o.source) for o in effective.origins if o.name == name)


def test_nothing_given_is_the_embedded_default() -> None:
    """Without a single variable the suite is embedded, in `var`, on loopback."""
    suite = settings().suite
    assert (suite.data, suite.bus, suite.listen) == (Path("var"), Address("embedded", ""), Endpoint("127.0.0.1", 8080))
    assert suite.listen.loopback


def test_an_empty_data_folder_is_none_given() -> None:
    """`ORRERY_DATA=` means the default, not that documents and keys go into the working directory."""
    assert settings(ORRERY_DATA="").suite.data == Path("var")


def test_values_are_typed() -> None:
    """Text becomes what the field is: numbers, lists split at commas, secrets."""
    own = settings(ORRERY_ACCOUNTS_TOKEN_TTL="60", ORRERY_ACCOUNTS_DOMAINS="a.org, b.org").services["accounts"]
    assert own.settings == Accounts(token_ttl=60, domains=("a.org", "b.org"))


def test_service_overrides_the_suites_address() -> None:
    """`ORRERY_ACCOUNTS_STORE` holds for accounts alone, and is known to be its own."""
    effective = settings(ORRERY_STORE="sqlite:/a", ORRERY_ACCOUNTS_STORE="mongodb://db/orrery")
    own = effective.services["accounts"]
    assert (str(own.addresses["store"]), own.overridden) == ("mongodb://db/orrery", frozenset({"store"}))
    assert str(effective.suite.store) == "sqlite:/a"


def test_unknown_name_is_refused_with_the_nearest() -> None:
    """A typo stops the start, and says what was probably meant."""
    assert "did you mean ORRERY_ADMIN_PASSWORD?" in refusal(ORRERY_ADMIN_PASWORD="x").text
    assert "did you mean ORRERY_ACCOUNTS_TOKEN_TTL?" in refusal(ORRERY_ACCOUNTS_TOKEN_TLL="x").text


def test_unknown_names_value_is_not_shown() -> None:
    """A mistyped name of a secret doesn't put the secret into the error."""
    assert "hunter2" not in refusal(ORRERY_ADMIN_PASWORD="hunter2").text


def test_settings_of_a_service_elsewhere_are_known() -> None:
    """One environment may serve many processes; only a name that no service has is wrong."""
    assert settings(ORRERY_NOTIFICATION_GROUP_WAIT="9", ORRERY_NOTIFICATION_STORE="sqlite:/x").services
    assert "ORRERY_NOTIFICATION_GROUP_WAIT?" in refusal(ORRERY_NOTIFICATION_GROUP_WAITS="9").text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORRERY_PORT", "tcp://10.0.0.1:80"),
        ("ORRERY_GATEWAY_PORT", "tcp://10.0.0.1:8080"),
        ("ORRERY_GATEWAY_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("ORRERY_GATEWAY_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("ORRERY_GATEWAY_SERVICE_HOST", "10.0.0.1"),
        ("ORRERY_GATEWAY_SERVICE_PORT", "8080"),
        ("ORRERY_GATEWAY_SERVICE_PORT_HTTP", "8080"),
    ],
)
def test_what_kubernetes_injects_is_ignored(name: str, value: str) -> None:
    """A Service called `orrery-gateway` in the namespace puts names into every pod; they are nobody's settings."""
    assert settings(**{name: value}) == settings()


def test_a_port_that_kubernetes_did_not_inject_is_refused() -> None:
    """`ORRERY_PORT=8080` is somebody's guess, not a link: it isn't passed over in silence."""
    assert "ORRERY_PORT" in refusal(ORRERY_PORT="8080").text


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("ORRERY_LISTEN", "8080", "host:port"),
        ("ORRERY_LISTEN", "h:70000", "0 to 65535"),
        ("ORRERY_LISTEN", "::1:80", "[IPv6]:port"),
        ("ORRERY_BUS", "nats", "scheme:rest"),
        ("ORRERY_ACCOUNTS_STORE", "file", "scheme:rest"),
        ("ORRERY_ACCOUNTS_TOKEN_TTL", "soon", "valid number"),
        ("ORRERY_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("ORRERY_ALLOW_FAILPOINTS", "maybe", "boolean"),
    ],
)
def test_wrong_value_names_setting_value_and_what_is_accepted(name: str, value: str, accepted: str) -> None:
    """One line, enough to mend it without reading documentation."""
    text = refusal(**{name: value}).text
    assert name in text
    assert repr(value) in text
    assert accepted in text
    assert "\n" not in text


def test_every_wrong_setting_is_named_at_once() -> None:
    """Two mistakes are two flaws: nobody has to start twice."""
    assert [f.field for f in refusal(ORRERY_LISTEN="x", ORRERY_ACCOUNTS_TOKEN_TTL="y").flaws] == [
        "ORRERY_LISTEN",
        "ORRERY_ACCOUNTS_TOKEN_TTL",
    ]


def test_a_setting_with_many_wrong_values_is_one_flaw() -> None:
    """One line a setting, however much of it is wrong."""

    class Proxied(Settings):
        proxies: tuple[int, ...] = ()
        """Numbers."""

    with pytest.raises(Invalid) as caught:
        read({"front": Proxied}, variables={"ORRERY_FRONT_PROXIES": "a,b"})
    assert [flaw.field for flaw in caught.value.flaws] == ["ORRERY_FRONT_PROXIES"]


def test_a_wrong_address_does_not_show_its_password() -> None:
    """The value in the error is redacted as everywhere."""
    text = refusal(ORRERY_LISTEN="x://me:hunter2@host").text
    assert "hunter2" not in text
    assert "x://me:***@host" in text


def test_failpoints_need_leave() -> None:
    """A stray variable can't make a product die."""
    assert "ORRERY_ALLOW_FAILPOINTS=true" in refusal(ORRERY_FAILPOINTS="a=kill").text
    assert settings(ORRERY_FAILPOINTS="a=kill", ORRERY_ALLOW_FAILPOINTS="true").suite.failpoints == "a=kill"


def test_certificate_without_key_is_refused(tmp_path: Path) -> None:
    """Half a pair is a mistake, not a reason to make one's own."""
    assert "together" in refusal(ORRERY_TLS_CERT=str(tmp_path / "c.pem")).text


def test_file_gives_a_value(tmp_path: Path) -> None:
    """`<NAME>_FILE` reads the value without its last newline, and provenance says so."""
    (tmp_path / "pw").write_text("s3cret\n")
    effective = settings(ORRERY_ADMIN_PASSWORD_FILE=str(tmp_path / "pw"))
    assert effective.suite.admin_password.reveal() == "s3cret"
    assert origin(effective, "ORRERY_ADMIN_PASSWORD") == (
        "***",
        f"ORRERY_ADMIN_PASSWORD_FILE ({tmp_path / 'pw'})",
    )


def test_file_and_value_together_are_refused(tmp_path: Path) -> None:
    """Which of the two holds is not guessed."""
    assert "give one" in refusal(ORRERY_BUS="embedded:", ORRERY_BUS_FILE=str(tmp_path)).text


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"x" * ((1 << 20) + 1)])
def test_unreadable_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    """Absent, not text, or far too large: the setting and the path are named."""
    path = tmp_path / "value"
    if content is not None:
        path.write_bytes(content)
    text = refusal(ORRERY_ADMIN_PASSWORD_FILE=str(path)).text
    assert "ORRERY_ADMIN_PASSWORD_FILE" in text
    assert str(path) in text


def config(tmp_path: Path, text: str) -> str:
    path = tmp_path / "orrery.yaml"
    path.write_text(text)
    return str(path)


def test_yaml_gives_values_and_the_environment_wins(tmp_path: Path) -> None:
    """Same names in lower case; each value remembers where it came from."""
    path = config(tmp_path, "bus: nats://a\naccounts_token_ttl: 30\naccounts_domains: [a.org]\nlog_level: debug\n")
    effective = settings(ORRERY_CONFIG=path, ORRERY_LOG_LEVEL="error")
    assert str(effective.suite.bus) == "nats://a"
    assert effective.suite.log_level == "error"
    assert effective.services["accounts"].settings == Accounts(token_ttl=30, domains=("a.org",))
    assert origin(effective, "ORRERY_BUS") == ("nats://a", f"{path}: bus")
    assert origin(effective, "ORRERY_LOG_LEVEL") == ("error", "environment")
    assert origin(effective, "ORRERY_RECORDS") == ("embedded:", "default")


def test_yaml_may_name_files(tmp_path: Path) -> None:
    """`admin_password_file` works in the YAML file as in the environment."""
    (tmp_path / "pw").write_text("s3cret")
    path = config(tmp_path, f"admin_password_file: {tmp_path / 'pw'}\n")
    assert settings(ORRERY_CONFIG=path).suite.admin_password.same("s3cret")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("bus: [", "no YAML"),
        ("bus: embedded:", "no YAML"),
        ("- bus", "mapping"),
        ("bus: nats://a\nbus: nats://b", "bus twice"),
        ("ORRERY_BUS: nats://a", "lower case"),
        ("buss: nats://a", "did you mean ORRERY_BUS?"),
        ("listen: 8080", "host:port"),
        ("on: 1", "ORRERY_ON"),
    ],
)
def test_wrong_yaml_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """Syntax, shape, repeated and unknown keys: one line that names the file."""
    refused = refusal(ORRERY_CONFIG=config(tmp_path, text)).text
    assert told in refused
    assert "\n" not in refused
    assert "orrery.yaml" in refused


def test_empty_yaml_is_nothing(tmp_path: Path) -> None:
    """An empty file gives nothing and is no error."""
    path = config(tmp_path, "# nothing yet\n")
    assert settings(ORRERY_CONFIG=path).suite.bus == settings().suite.bus


def test_report_shows_every_setting_and_no_secret() -> None:
    """`--check`: all names, aligned, secrets and passwords in addresses hidden."""
    text = report(
        settings(ORRERY_ADMIN_PASSWORD="hunter2", ORRERY_ACCOUNTS_PEPPER="hunter3", ORRERY_BUS="nats://u:hunter4@b")
    )
    assert "hunter" not in text
    lines = {line.split()[0]: line.split()[1:] for line in text.splitlines()}
    assert lines["ORRERY_ADMIN_PASSWORD"] == ["***", "environment"]
    assert lines["ORRERY_BUS"] == ["nats://u:***@b", "environment"]
    assert lines["ORRERY_ACCOUNTS_TOKEN_TTL"] == ["7200"]
    assert lines["ORRERY_TLS_CERT"] == ["(none)"]


def test_a_setting_without_default_is_needed() -> None:
    """A service that needs a value says so, with its meaning."""

    class Needy(Settings):
        region: str
        """Where it runs."""

    with pytest.raises(Invalid, match=r"ORRERY_NEEDY_REGION is needed \(Where it runs\.\)"):
        read({"needy": Needy}, variables={})


def test_a_service_may_not_shadow_an_address() -> None:
    """`ORRERY_X_STORE` means one thing; a clash is found by the service's own author."""

    class Shadow(Settings):
        store: str = ""
        """Clashes."""

    with pytest.raises(Broken, match="store"):
        read({"shadow": Shadow}, variables={})


def test_off_closes_the_tls_listener() -> None:
    """`off` says in so many words that it isn't wanted."""
    assert settings(ORRERY_TLS_LISTEN="off").suite.tls_listen is None
