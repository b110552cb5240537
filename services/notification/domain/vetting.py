"""What receivers, configs, routers and silences must be (spec 6.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from libs.shared.errors import Flaw, Invalid
from libs.shared.objects import meta
from libs.shared.regex import compiled
from services.notification.domain.address import is_address
from services.notification.domain.cron import cron_of
from services.notification.domain.object import Kept
from services.notification.domain.selecting import matches
from services.notification.domain.span import span_of

CHANNELS = ("email", "slack", "webhook", "wechat", "dingtalk", "feishu", "sms", "pushover")
"""Those that objects may speak of; other names are dropped, as the original does."""
SHOWN = ("dingtalk", "email", "slack", "webhook", "wechat", "feishu")
"""Those that a list may be narrowed to."""
MOST_RECIPIENTS = 200
LONGEST_URL = 2048
HIGHEST_PORT = 65_535
REQUIRED = "Required value"


def narrowed(plural: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A receiver's or config's spec without channels that nobody knows."""
    if plural not in ("receivers", "configs"):
        return dict(spec)
    return {channel: said for channel, said in spec.items() if channel in CHANNELS}


def flaws_of(kind: type[Kept], spec: Mapping[str, Any]) -> tuple[Flaw, ...]:
    """What is wrong with the spec of such an object."""
    check = CHECKS.get(kind.NOUN.plural)
    return tuple(check(spec)) if check else ()


def _receiver(spec: Mapping[str, Any]) -> Iterator[Flaw]:
    for channel, said in spec.items():
        at = f"spec.{channel}"
        if not isinstance(said, Mapping):
            yield Flaw(at, "must be an object")
            continue
        yield from _selector(said.get("alertSelector"), f"{at}.alertSelector")
        yield from _selector(said.get(f"{channel}ConfigSelector"), f"{at}.{channel}ConfigSelector")
        if not isinstance(said.get("enabled") or False, bool):
            yield Flaw(f"{at}.enabled", "must be true or false")
        if own := RECEIVING.get(channel):
            yield from own(said, at)


def _email(said: Mapping[str, Any], at: str) -> Iterator[Flaw]:
    yield from _texts(said, "to", at)
    if isinstance(said.get("to"), list):
        for place, to in enumerate(said["to"]):
            if isinstance(to, str) and not is_address(to):
                yield Flaw(f"{at}.to[{place}]", "must be a mail address", to[:100])
    yield from _one_of(said, "tmplType", ("text", "html"), at)


def _slack(said: Mapping[str, Any], at: str) -> Iterator[Flaw]:
    yield from _texts(said, "channels", at)


def _webhook(said: Mapping[str, Any], at: str) -> Iterator[Flaw]:
    url, service = said.get("url"), said.get("service")
    if (url is None) == (service is None):
        yield Flaw(at, f"{REQUIRED}: one of url and service")
    if url is not None and not _is_url(url):
        yield Flaw(f"{at}.url", "must be an http or https URL", str(url)[:100])
    if service is not None and not (isinstance(service, Mapping) and service.get("name") and service.get("namespace")):
        yield Flaw(f"{at}.service", f"{REQUIRED}: namespace and name")
    for name in ("basicAuth", "tlsConfig", "bearerToken"):
        found = (said.get("httpConfig") or {}) if isinstance(said.get("httpConfig") or {}, Mapping) else None
        if found is None or not isinstance(found.get(name) or {}, Mapping):
            yield Flaw(f"{at}.httpConfig.{name}", "must be an object")


def _is_url(url: Any) -> bool:
    return isinstance(url, str) and len(url) <= LONGEST_URL and url.startswith(("http://", "https://"))


def _config(spec: Mapping[str, Any]) -> Iterator[Flaw]:
    for channel, said in spec.items():
        if not isinstance(said, Mapping):
            yield Flaw(f"spec.{channel}", "must be an object")
    email = spec.get("email")
    if isinstance(email, Mapping):
        yield from _smart_host(email.get("smartHost"))
        for name in ("from", "authUsername", "hello"):
            if not isinstance(email.get(name, ""), str):
                yield Flaw(f"spec.email.{name}", "must be text")


def _smart_host(host: Any) -> Iterator[Flaw]:
    at = "spec.email.smartHost"
    if host is None:
        return
    if not isinstance(host, Mapping):
        yield Flaw(at, "must be an object")
        return
    if isinstance(host.get("port", 0), bool) or not isinstance(host.get("port", 0), int):
        yield Flaw(f"{at}.port", f'{at}.port in body must be of type integer: "string"', "string")
    elif not 0 <= host.get("port", 0) <= HIGHEST_PORT:
        yield Flaw(f"{at}.port", "must be a port", host["port"])
    if not isinstance(host.get("host", ""), str):
        yield Flaw(f"{at}.host", "must be text")


def _router(spec: Mapping[str, Any]) -> Iterator[Flaw]:
    if not isinstance(spec.get("alertSelector"), Mapping):
        yield Flaw("spec.alertSelector", REQUIRED)
    else:
        yield from _selector(spec["alertSelector"], "spec.alertSelector")
    receivers = spec.get("receivers")
    if receivers is not None and not isinstance(receivers, Mapping):
        yield Flaw("spec.receivers", "must be an object")
    elif receivers:
        yield from _selector(receivers.get("selector"), "spec.receivers.selector")
        try:
            compiled(str(receivers.get("regexName") or ""))
        except Invalid as fault:
            yield Flaw("spec.receivers.regexName", fault.text)


def _silence(spec: Mapping[str, Any]) -> Iterator[Flaw]:
    if not isinstance(spec.get("matcher"), Mapping):
        yield Flaw("spec.matcher", REQUIRED)
    else:
        yield from _selector(spec["matcher"], "spec.matcher")
    if spec.get("schedule") and cron_of(spec["schedule"]) is None:
        yield Flaw("spec.schedule", "must be five fields of cron", str(spec["schedule"])[:100])
    if spec.get("duration") and span_of(spec["duration"]) is None:
        yield Flaw("spec.duration", "must be a duration such as 1h30m", str(spec["duration"])[:100])
    starts = spec.get("startsAt")
    if starts and not (isinstance(starts, str) and meta.moment(starts)):
        yield Flaw("spec.startsAt", "must be a time as RFC 3339 has it", str(starts)[:100])


def _texts(said: Mapping[str, Any], name: str, at: str) -> Iterator[Flaw]:
    found = said.get(name)
    if not found:
        yield Flaw(f"{at}.{name}", REQUIRED)
    elif not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        yield Flaw(f"{at}.{name}", "must be a list of texts")
    elif len(found) > MOST_RECIPIENTS:
        yield Flaw(f"{at}.{name}", f"must have at most {MOST_RECIPIENTS} items")


def _one_of(said: Mapping[str, Any], name: str, taken: tuple[str, ...], at: str) -> Iterator[Flaw]:
    if said.get(name) is not None and said[name] not in taken:
        told = ", ".join(f'"{one}"' for one in taken)
        yield Flaw(f"{at}.{name}", f'Unsupported value: "{str(said[name])[:40]}": supported values: {told}')


def _selector(said: Any, at: str) -> Iterator[Flaw]:
    try:
        matches(said, {})
    except Invalid as fault:
        yield Flaw(at, fault.text)


RECEIVING: Mapping[str, Callable[[Mapping[str, Any], str], Iterator[Flaw]]] = {
    "email": _email,
    "slack": _slack,
    "webhook": _webhook,
}
CHECKS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Flaw]]] = {
    "receivers": _receiver,
    "configs": _config,
    "routers": _router,
    "silences": _silence,
}
