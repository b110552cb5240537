"""Settings of the suite, and what every service's own settings are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from libs.shared.config.address import Address, Endpoint
from libs.shared.values import Secret


class Settings(BaseModel):
    """A service's own settings: frozen, nothing unknown, each field with a docstring that gives unit and meaning."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def _nothing(value: object) -> object:
    """Empty text and `off` say that a thing is not wanted."""
    return None if value in ("", "off") else value


Optional = BeforeValidator(_nothing)


def _address(text: str) -> Address:
    return Address.parsed(text)


class Telling(Settings):
    """What the suite tells its operator, and where: `ORRERY_<FIELD>`, as for the rest of it."""

    otlp: Annotated[Address | None, Optional] = None
    """Where traces are sent by OTLP over HTTP, such as http://collector:4318; nowhere when empty."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged: debug, info, warning or error."""
    log_format: Literal["auto", "json", "pretty"] = "auto"
    """json, pretty, or auto: pretty on a terminal."""


class Suite(Telling, Settings):
    """What holds for every service in the process: `ORRERY_<FIELD>`."""

    config: Annotated[Path | None, Optional] = None
    """A YAML file with the same names in lower case, without the prefix."""
    data: Annotated[Path, BeforeValidator(lambda value: Path("var") if value == "" else value)] = Path("var")
    """The folder of embedded stores, bus log, sockets and keys; private to the user (mode 0700)."""
    listen: Endpoint = Endpoint("127.0.0.1", 8080)
    """Where the gateway listens: host:port, or unix:path."""
    tls_listen: Annotated[Endpoint | None, Optional] = Endpoint("127.0.0.1", 8443)
    """Where the gateway listens with TLS: host:port, or off."""
    tls_cert: Annotated[Path | None, Optional] = None
    """The gateway's certificate chain, PEM; without one, a CA and a certificate are made at the first start."""
    tls_key: Annotated[Path | None, Optional] = None
    """The private key of `tls_cert`, PEM."""
    admin_password: Secret = Secret("")
    """First start only: password of `admin`; without one, a password is made and printed once."""
    identity_key: Secret = Secret("")
    """Ed25519 private key, PEM, that the gateway signs callers' identities with; without one, it is made."""
    identity_public_key: str = ""
    """Its public half, PEM, for services that don't share the gateway's data folder."""
    service_keys: Annotated[Path | None, Optional] = None
    """A folder of PEM files `<service>.pem`: the public keys of services that don't share this data folder."""
    bus: Address = _address("embedded:")
    """The channel of domain events: embedded:, nats://… or kafka://…"""
    records: Address = _address("embedded:")
    """The channel of logs, audit records and Kubernetes events: embedded:, nats://… or kafka://…"""
    store: Address = _address("sqlite:")
    """Where services keep documents: sqlite: (in the data folder), sqlite:FOLDER, or mongodb://…"""
    cluster: Address = _address("sandbox:")
    """The Kubernetes cluster: sandbox:, kubeconfig:, kubeconfig:PATH or in-cluster:"""
    metrics: Address = _address("embedded:")
    """Where time series are kept: embedded: or prometheus+http://…"""
    logs: Address = _address("embedded:")
    """Where logs are kept: embedded: or elasticsearch+http(s)://…"""
    mail: Address = _address("outbox:")
    """How letters leave: outbox: (kept, readable by API), outbox:FOLDER, smtp://… or smtps://…"""
    executor: Address = _address("process:")
    """What runs a pipeline's steps: process:, kubernetes: or jenkins+http://…"""
    blobs: Address = _address("file:")
    """Where charts, artefacts and archives are kept: file:, file:FOLDER or s3://…"""
    demo: Annotated[bool | None, BeforeValidator(lambda value: None if value == "" else value)] = None
    """Whether the first start makes the workspace `demo-ws` and, in a sandbox cluster, its project with workloads; when
    empty, where the cluster is the sandbox."""
    egress_allow: tuple[str, ...] = ()
    """Networks, hosts or host:port beyond public addresses that user-named URLs may reach; comma-separated."""
    allow_failpoints: bool = False
    """Whether `failpoints` is obeyed; for tests alone."""
    failpoints: str = ""
    """Places where the process is to die or fail: name=kill@3,other=fail."""


OVERRIDES = ("store", "bus", "records", "cluster", "metrics", "logs", "mail", "executor", "blobs")
"""Suite addresses that `ORRERY_<SERVICE>_<FIELD>` overrides for one service."""


class Place(Settings):
    """Where one service is: `ORRERY_<SERVICE>_LISTEN`, `ORRERY_<SERVICE>_URL`."""

    listen: Annotated[Endpoint | None, Optional] = None
    """Where the service listens: host:port or unix:path; a socket in the data folder when empty."""
    url: Annotated[Address | None, Optional] = None
    """The service's address for the others: http://host:port or unix:path; where it listens when empty."""
    key: Secret = Secret("")
    """Ed25519 private key, PEM, that the service signs what it asks others with; one is made when empty."""
