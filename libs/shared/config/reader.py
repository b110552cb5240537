"""From what is given to frozen settings, each value with where it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from libs.shared.config.address import Address, without_password
from libs.shared.config.names import SUITE, Name, refuse_unknown, service_names, suite_names
from libs.shared.config.sources import PREFIX, Given, environment, gather
from libs.shared.config.suite import OVERRIDES, Place, Suite
from libs.shared.errors import Flaw, Invalid

DEFAULT = "default"
LONGEST_SHOWN = 80

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Origin:
    """One effective setting: its name, its value as it may be shown, where it came from."""

    name: str
    shown: str
    source: str


@dataclass(frozen=True, slots=True)
class Own:
    """What one service is configured with: its own settings, its place, its addresses."""

    settings: BaseModel
    place: Place
    addresses: Mapping[str, Address]
    """One per override of the suite's addresses, by field."""
    overridden: frozenset[str] = frozenset()
    """The addresses that were given for this service alone."""


@dataclass(frozen=True, slots=True)
class Effective:
    """Every setting of this process."""

    suite: Suite
    services: Mapping[str, Own]
    elsewhere: Mapping[str, Place]
    """Where the services are that this process doesn't run."""
    origins: tuple[Origin, ...] = ()


def read(
    models: Mapping[str, type[BaseModel]],
    *,
    elsewhere: Mapping[str, Callable[[], type[BaseModel]]] | None = None,
    variables: Mapping[str, str] | None = None,
) -> Effective:
    """The settings of these services (name -> model of its own settings).

    `variables` is the process's environment unless given. `elsewhere` gives, by name, the models of services that
    this process doesn't run: their settings are known, and checked by their own process. Raises `Invalid` with one
    flaw, one line, for each setting that is wrong or unknown.
    """
    given = gather(environment() if variables is None else variables)
    known = suite_names()
    for service, model in models.items():
        known |= service_names(service, model)
    others = {name: model for name, model in (elsewhere or {}).items() if name not in models}
    refuse_unknown(given, known, lambda name: _names_elsewhere(name, others))
    return _Reading(given).effective(models, others)


def _names_elsewhere(name: str, elsewhere: Mapping[str, Callable[[], type[BaseModel]]]) -> dict[str, Name]:
    names: dict[str, Name] = {}
    for service, model in elsewhere.items():
        if name.startswith(f"{PREFIX}{service.upper()}_"):
            names |= service_names(service, model())
    return names


class _Reading:
    """One pass over what is given, gathering flaws and origins."""

    def __init__(self, given: Mapping[str, Given]) -> None:
        self.given = given
        self.flaws: list[Flaw] = []
        self.origins: list[Origin] = []

    def effective(self, models: Mapping[str, type[BaseModel]], others: Iterable[str]) -> Effective:
        """Everything, or `Invalid`."""
        suite = self.model(SUITE, Suite)
        self.pairs(suite)
        services = {name: self.own(name, model, suite) for name, model in models.items()}
        elsewhere = {name: self.model(name, Place) for name in others}
        if self.flaws:
            raise Invalid("settings-wrong", "; ".join(f.text for f in self.flaws), flaws=tuple(self.flaws))
        return Effective(suite, services, elsewhere, tuple(self.origins))

    def pairs(self, suite: Suite) -> None:
        """Settings that are wrong together."""
        if (suite.tls_cert is None) != (suite.tls_key is None):
            self.flaw("ORRERY_TLS_KEY", "ORRERY_TLS_CERT and ORRERY_TLS_KEY should be given together, or neither")
        if suite.failpoints and not suite.allow_failpoints:
            self.flaw("ORRERY_FAILPOINTS", "ORRERY_FAILPOINTS is obeyed only with ORRERY_ALLOW_FAILPOINTS=true")

    def own(self, service: str, model: type[BaseModel], suite: Suite) -> Own:
        """One service's settings, place and addresses."""
        place = self.model(service, Place)
        addresses: dict[str, Address] = {}
        overridden = set()
        for name in OVERRIDES:
            setting = Name(service, name, Suite)
            if setting.full in self.given:
                overridden.add(name)
                addresses[name] = self.address(setting) or getattr(suite, name)
            else:
                addresses[name] = getattr(suite, name)
        return Own(self.model(service, model), place, addresses, frozenset(overridden))

    def address(self, name: Name) -> Address | None:
        """The address that is given for one service alone, or None with a flaw."""
        item = self.given[name.full]
        try:
            address = Address.parsed(str(item.value))
        except ValueError as error:
            self.flaw(name.full, f"{name.full} ({item.source}): {_shown(name, item.value)!r} {error}")
            return None
        self.note(name, address)
        return address

    def model(self, service: str, model: type[M]) -> M:
        """The model filled from what is given; its defaults, and flaws, where that is wrong."""
        names = {field: Name(service, field, model) for field in model.model_fields}
        items = {field: self.given[name.full] for field, name in names.items() if name.full in self.given}
        try:
            filled = model.model_validate({field: _split(names[field], item.value) for field, item in items.items()})
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_context=False):
                name = names[str(detail["loc"][0])] if detail["loc"] else next(iter(names.values()))
                self.flaw(name.full, _sentence(name, items.get(name.field), detail["msg"]))
            return model.model_construct()
        for name in names.values():
            self.note(name, getattr(filled, name.field))
        return filled

    def note(self, name: Name, value: object) -> None:
        """Remember where an effective value came from."""
        item = self.given.get(name.full)
        self.origins.append(Origin(name.full, _shown(name, value), item.source if item else DEFAULT))

    def flaw(self, name: str, text: str) -> None:
        """Remember that a setting is wrong: once, with the first reason."""
        if all(flaw.field != name for flaw in self.flaws):
            self.flaws.append(Flaw(name, text))


def _split(name: Name, value: object) -> object:
    """Text for a setting of many values, split at commas."""
    if name.many and isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _sentence(name: Name, item: Given | None, reason: str) -> str:
    """One line: which setting, its value unless secret, what is accepted."""
    reason = reason.removeprefix("Value error, ").removeprefix("Input ")
    about = f" ({name.meaning})" if name.meaning else ""
    if item is None:
        return f"{name.full} is needed{about}"
    return f"{name.full} ({item.source}): {_shown(name, item.value)!r} {reason[:1].lower()}{reason[1:]}{about}"


def _shown(name: Name, value: object) -> str:
    """The value as it may stand in an error or a report."""
    if name.secret:
        return "***" if value else ""
    if value is None:
        return ""
    text = ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    text = without_password(text)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
