"""What every rule group has in common with other objects, and how its kind is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from libs.shared.errors import Denied, Flaw, Invalid, Missing, Stale

GROUP = "alerting.kubesphere.io"
VERSION = "v2beta1"
ENABLE = "alerting.kubesphere.io/enable"
BUILTIN = "alerting.kubesphere.io/builtin"
RULE_ID = "rule_id"


class Level(StrEnum):
    """What a rule may look at: one namespace, the cluster, or whatever its selectors say."""

    NAMESPACE = "namespace"
    CLUSTER = "cluster"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Noun:
    """How the groups of a level are called on the wire, and their faults."""

    plural: str
    singular: str
    kind: str

    def missing(self, name: str) -> Missing:
        """A lookup that found nothing."""
        text = f'{self.singular}.{GROUP} "{name}" not found'
        return Missing(f"{self.singular}-missing", text, resource=self.plural, name=name)

    def stale(self, name: str) -> Stale:
        """A write that another one overtook."""
        text = (
            f'Operation cannot be fulfilled on {self.plural}.{GROUP} "{name}": the object has been modified; please'
            " apply your changes to the latest version and try again"
        )
        return Stale(f"{self.singular}-stale", text, resource=self.plural, name=name)

    def refused(self, why: str) -> Denied:
        """An object that its webhook would not admit, in its words."""
        text = f'admission webhook "{self.plural}.{GROUP}" denied the request: {why}'
        return Denied(f"{self.singular}-refused", text, reason=why)

    def invalid(self, name: str, field: str, value: str, wanted: str) -> Invalid:
        """An object that its schema does not take."""
        text = f'{self.kind}.{GROUP} "{name}" is invalid: {field}: Invalid value: "{value}": {wanted}'
        flaw = Flaw(field, f'Invalid value: "{value}": {wanted}')
        return Invalid(f"{self.singular}-invalid", text, resource=self.kind, name=name, flaws=(flaw,))


NOUNS: Mapping[Level, Noun] = {
    Level.NAMESPACE: Noun("rulegroups", "rulegroup", "RuleGroup"),
    Level.CLUSTER: Noun("clusterrulegroups", "clusterrulegroup", "ClusterRuleGroup"),
    Level.GLOBAL: Noun("globalrulegroups", "globalrulegroup", "GlobalRuleGroup"),
}
