"""Where settings come from: the environment, `<NAME>_FILE`, and one YAML file. The only reader of `os.environ`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from libs.shared.errors import Flaw, Invalid

PREFIX = "ORRERY_"
CONFIG = "ORRERY_CONFIG"
FILE = "_FILE"
LARGEST_FILE = 1 << 20
KEY = re.compile(r"[a-z][a-z0-9_]*")
INJECTED = re.compile(r"ORRERY_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
LINK = re.compile(r"ORRERY_(\w+_)?PORT")


@dataclass(frozen=True, slots=True)
class Given:
    """One value as it was given, and where."""

    value: Any
    source: str


def environment() -> dict[str, str]:
    """A copy of the process's environment."""
    return dict(os.environ)


def injected(name: str, value: str) -> bool:
    """Whether Kubernetes puts this name into each pod for a Service whose name starts with `orrery`."""
    return bool(INJECTED.fullmatch(name)) or (bool(LINK.fullmatch(name)) and "://" in value)


def gather(variables: Mapping[str, str]) -> dict[str, Given]:
    """Every setting that is given, by its full name (`ORRERY_BUS`); raises `Invalid`.

    The environment wins over the file. `<NAME>_FILE` names a file whose content, without its last newline, is the
    value.
    """
    ours = {n: v for n, v in variables.items() if n.startswith(PREFIX) and not injected(n, v)}
    from_environment = _resolved({name: Given(value, "environment") for name, value in ours.items()})
    config = from_environment.get(CONFIG)
    if config is None or not config.value:
        return from_environment
    from_file = _resolved(_from_yaml(Path(config.value)))
    return {**from_file, **from_environment}


def _resolved(given: Mapping[str, Given]) -> dict[str, Given]:
    """With each `<NAME>_FILE` replaced by `<NAME>` and the file's content."""
    settings: dict[str, Given] = {}
    for name, item in given.items():
        if not name.endswith(FILE):
            settings[name] = item
            continue
        plain = name.removesuffix(FILE)
        if plain in given:
            raise _wrong(name, f"{plain} and {name} are both given: give one of them")
        settings[plain] = Given(_content(name, Path(str(item.value))), f"{name} ({item.value})")
    return settings


def _content(name: str, path: Path) -> str:
    """The text of a file that a setting names; raises `Invalid` naming the setting."""
    try:
        with path.expanduser().open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
        text = raw.decode()
    except OSError as error:
        raise _wrong(name, f"{name}: {path} can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise _wrong(name, f"{name}: {path} should be UTF-8 text") from error
    if len(raw) > LARGEST_FILE:
        raise _wrong(name, f"{name}: {path} is larger than {LARGEST_FILE} bytes")
    return text.removesuffix("\n").removesuffix("\r")


def _from_yaml(path: Path) -> dict[str, Given]:
    """The settings of the YAML file, by full name; raises `Invalid`."""
    import yaml  # noqa: PLC0415  # only who names a file pays for its reader

    text = _content(CONFIG, path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise _wrong(CONFIG, f"{CONFIG}: {path} is no YAML: {reason}") from error
    if node is None or content is None:
        return {}
    if not isinstance(content, dict):
        raise _wrong(CONFIG, f"{CONFIG}: {path} should be a mapping of settings, such as `log_level: debug`")
    keys = [str(key.value) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise _wrong(CONFIG, f"{CONFIG}: {path} gives {key} twice")
        if not KEY.fullmatch(key):
            raise _wrong(CONFIG, f"{CONFIG}: {path}: {key!r} should be a setting in lower case, without the prefix")
    return {PREFIX + k.upper(): Given(v, f"{path}: {k}") for k, v in zip(keys, content.values(), strict=True)}


def _wrong(name: str, text: str) -> Invalid:
    return Invalid("settings-wrong", text, flaws=(Flaw(name, text),))
