"""The token and the kubeconfig of the sandbox: made at the first start, for nobody else to read."""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from pathlib import Path

from libs.shared.errors import Broken
from libs.shared.http.tls import Certificate
from libs.shared.values import Secret

_TOKEN_BYTES = 32
_PRIVATE = 0o600


def token(folder: Path) -> Secret:
    """The administrator's token, made where there is none; raises `Broken`."""
    path = folder / "token"
    try:
        if path.exists() and (found := path.read_text().strip()):
            return Secret(found)
        made = secrets.token_urlsafe(_TOKEN_BYTES)
        _write(path, made)
    except OSError as error:
        raise Broken("sandbox-token", f"{path} can't be used for the sandbox's token: {error.strerror}") from error
    return Secret(made)


def authority(shown: Certificate) -> str:
    """The certificate that clients are to trust, in PEM; raises `Broken`."""
    try:
        return shown.ca.read_text() if shown.ca else ""
    except OSError as error:
        raise Broken("sandbox-ca", f"{shown.ca} can't be read: {error.strerror}") from error


def kubeconfig(folder: Path, url: str, held: Secret, ca: str) -> Path:
    """Write how clients such as kubectl reach the sandbox; raises `Broken`."""
    path = folder / "kubeconfig"
    text = f"""apiVersion: v1
kind: Config
current-context: sandbox
clusters:
- name: sandbox
  cluster:
    server: {url}
    certificate-authority-data: {b64encode(ca.encode()).decode()}
contexts:
- name: sandbox
  context:
    cluster: sandbox
    user: admin
users:
- name: admin
  user:
    token: {held.reveal()}
"""
    try:
        _write(path, text)
    except OSError as error:
        raise Broken("sandbox-kubeconfig", f"{path} can't be written: {error.strerror}") from error
    return path


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and private from its first moment."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
