"""How the objects that say who is told of alerts are called, and their faults in Kubernetes' words."""

from __future__ import annotations

from dataclasses import dataclass

from libs.shared.errors import Denied, Exists, Flaw, Invalid, Missing, Stale

GROUP = "notification.kubesphere.io"
TYPE = "type"
USER = "user"
TENANT = "tenant"
MANAGED = "notification.kubesphere.io/managed"
NAMESPACE = "kubesphere-monitoring-federated"
"""Where the secrets and texts of receivers are, as clients see them."""


@dataclass(frozen=True, slots=True)
class Noun:
    """One kind of object. `globally` is the label `type` of those that belong to no tenant."""

    plural: str
    singular: str
    kind: str
    globally: str = "global"
    tenants: bool = True
    """Whether tenants have such ones."""
    core: bool = False
    """A secret or a text: shown with a namespace and without a spec."""

    @property
    def group(self) -> str:
        """Of its faults: secrets and texts are the core's."""
        return "" if self.core else f".{GROUP}"

    def labels_of(self, owner: str) -> dict[str, str]:
        """The labels that say whose it is, of a tenant or (empty) of the platform."""
        own = {TYPE: TENANT, USER: owner} if owner else {TYPE: self.globally}
        return own | ({MANAGED: "true"} if self.core else {})

    def missing(self, name: str, what: str | None = None) -> Missing:
        """A name that nothing has."""
        text = f'{self.singular if what is None else what}{self.group or "." * (what == "")} "{name}" not found'
        return Missing(f"{self.singular}-missing", text, resource=self.plural, name=name)

    def exists(self, name: str) -> Exists:
        """A name that is taken."""
        return Exists(
            f"{self.singular}-exists",
            f'{self.plural}{self.group} "{name}" already exists',
            resource=self.plural,
            name=name,
        )

    def stale(self, name: str) -> Stale:
        """A write that another one overtook."""
        text = (
            f'Operation cannot be fulfilled on {self.plural}{self.group} "{name}": the object has been modified; please'
            " apply your changes to the latest version and try again"
        )
        return Stale(f"{self.singular}-stale", text, resource=self.plural, name=name)

    def foreign(self, owner: str) -> Denied:
        """An object of somebody else, in the original's words."""
        why = f"user '{owner}' is not the owner of object" if owner else "object is not a global object"
        return Denied(f"{self.singular}-foreign", f".{GROUP} is forbidden: {why}")

    def untenanted(self, verb: str) -> Denied:
        """Tenants have no such things."""
        text = f"{self.plural}.{GROUP} is forbidden: tenant can not {verb} {self.plural}"
        return Denied(f"{self.singular}-untenanted", text)

    def invalid(self, name: str, *flaws: Flaw, who: str = "") -> Invalid:
        """An object with flaws."""
        told = [_told(flaw) for flaw in flaws]
        what = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
        text = f'{who or self.kind}{self.group} "{name}" is invalid: {what}'
        return Invalid(f"{self.singular}-invalid", text, resource=self.plural, name=name, flaws=flaws)


def _told(flaw: Flaw) -> str:
    if flaw.value is None:
        return f"{flaw.field}: {flaw.text}"
    value = f'"{flaw.value}"' if isinstance(flaw.value, str) else flaw.value
    return f"{flaw.field}: Invalid value: {value}: {flaw.text}"
