"""Rule groups: rules that are evaluated together, of one namespace, of the cluster, or of the whole platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from libs.shared.contracts.alerting_v1 import RuleGroupChanged, RuleGroupCreated, RuleGroupDeleted
from libs.shared.store.protocol import Document, Index
from services.alerting.domain.duration import seconds
from services.alerting.domain.matcher import Matcher, matcher_of
from services.alerting.domain.resource import BUILTIN, ENABLE, NOUNS, RULE_ID, Level, Noun

NOTHING: Mapping[str, Any] = {}


class Rule(BaseModel):
    """One alert: an expression that, while it gives something, makes one alert a series. `builder` and the selectors
    are kept as they were sent; `expr` is what the builder gives where there is one.
    """

    model_config = ConfigDict(frozen=True)

    alert: str
    expr: str | int
    for_: str = ""
    severity: str = ""
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    disable: bool = False
    builder: Mapping[str, Any] = NOTHING
    clusters: Mapping[str, Any] = NOTHING
    namespaces: Mapping[str, Any] = NOTHING

    @property
    def id(self) -> str:
        """Its own id, which is one of its labels."""
        return self.labels.get(RULE_ID, "")

    @property
    def wait(self) -> float:
        """Seconds that its condition has to hold before it fires."""
        return seconds(self.for_) or 0.0


class Group(Document):
    """What the three kinds of groups share. `id` is `namespace/name`, or the name."""

    KEY: ClassVar[str] = "id"
    WATCHED: ClassVar[bool] = True
    LEVEL: ClassVar[Level]

    id: str
    name: str
    namespace: str = ""
    uid: str
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    created_at: datetime
    generation: int = 1
    interval: str = ""
    strategy: str = ""
    """`partial_response_strategy`, which is Thanos' and means nothing here."""
    rules: tuple[Rule, ...] = ()

    @property
    def noun(self) -> Noun:
        """How its kind is called."""
        return NOUNS[self.LEVEL]

    @property
    def enabled(self) -> bool:
        """Whether it is evaluated."""
        return self.labels.get(ENABLE) == "true"

    @property
    def builtin(self) -> bool:
        """Whether the platform brought it along."""
        return self.labels.get(BUILTIN) == "true"

    @property
    def place(self) -> str:
        """What names it among the groups of all levels."""
        return f"{self.LEVEL}/{self.id}"

    def changed(self, **update: object) -> Self:
        """Itself with these fields, one generation on; its stamp goes along."""
        after = self.model_copy(update={**update, "generation": self.generation + 1})
        return after.stamped(replace(self.stamp))


class RuleGroup(Group):
    """Of one namespace: it sees that one's series alone."""

    COLLECTION: ClassVar[str] = "rulegroups"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index(("namespace",)),)
    LEVEL: ClassVar[Level] = Level.NAMESPACE


class ClusterRuleGroup(Group):
    """Of the cluster."""

    COLLECTION: ClassVar[str] = "clusterrulegroups"
    LEVEL: ClassVar[Level] = Level.CLUSTER


class GlobalRuleGroup(Group):
    """Of the whole platform; each rule says what it selects."""

    COLLECTION: ClassVar[str] = "globalrulegroups"
    LEVEL: ClassVar[Level] = Level.GLOBAL


GROUPS: Mapping[Level, type[Group]] = {kind.LEVEL: kind for kind in (RuleGroup, ClusterRuleGroup, GlobalRuleGroup)}


def bindings(level: Level, namespace: str, rule: Rule) -> tuple[Matcher, ...]:
    """What every selector of a rule's expression is bound to: a namespace's rule to that namespace, whatever it says; a
    global one to what its own selector says.
    """
    if level is Level.NAMESPACE:
        return (Matcher(name="namespace", op="=", value=namespace),)
    found = matcher_of("namespace", rule.namespaces) if level is Level.GLOBAL else None
    return (found,) if found else ()


def selects_here(rule: Rule, cluster: str) -> bool:
    """Whether a global rule selects this cluster: no series here has a label that says which one it is of."""
    found = matcher_of("cluster", rule.clusters)
    return found is None or found.test()(cluster)


@dataclass(frozen=True, slots=True)
class GroupWish:
    """A group as somebody wants it."""

    name: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    interval: str = ""
    strategy: str = ""
    rules: tuple[Rule, ...] = ()

    def fields(self) -> dict[str, Any]:
        """What it says, by field of the document, but where it is."""
        return {name: getattr(self, name) for name in self.__slots__ if name not in ("name", "namespace")}


def make(kind: type[Group], wish: GroupWish, *, uid: str, by: str, at: datetime) -> tuple[Group, RuleGroupCreated]:
    """A new group."""
    key = f"{wish.namespace}/{wish.name}" if wish.namespace else wish.name
    group = kind(id=key, name=wish.name, namespace=wish.namespace, uid=uid, created_at=at, **wish.fields())
    return group, RuleGroupCreated(**_told(group, by))


def change(group: Group, wish: GroupWish, *, by: str) -> tuple[Group, RuleGroupChanged]:
    """The group as wished."""
    after = group.changed(**wish.fields())
    return after, RuleGroupChanged(**_told(after, by))


def remove(group: Group, *, by: str) -> RuleGroupDeleted:
    """That it is gone."""
    return RuleGroupDeleted(**_told(group, by))


def _told(group: Group, by: str) -> dict[str, str]:
    return {
        "group": group.name,
        "level": group.LEVEL.value,
        "namespace": group.namespace,
        "uid": group.uid,
        "by": by,
    }
