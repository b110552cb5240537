"""RuleGroup, ClusterRuleGroup and GlobalRuleGroup through `/apis/alerting.kubesphere.io/v2beta1`."""

from __future__ import annotations

from dataclasses import dataclass

from libs.shared.errors import Invalid
from libs.shared.kinds.kind import Ask, JsonObject, Kind
from libs.shared.store.protocol import Unit
from services.alerting import shapes
from services.alerting.commands import group as commands
from services.alerting.domain.group import GROUPS, Group, GroupWish, bindings
from services.alerting.domain.resource import GROUP, NOUNS, VERSION, Level
from services.alerting.domain.vetting import check_group, defaulted, said_of
from services.alerting.parts import Parts


@dataclass(frozen=True, slots=True)
class Vetted:
    """A group that may be kept, and the wish that it was made of."""

    asked: GroupWish
    group: GroupWish


@dataclass(frozen=True, slots=True)
class Writing:
    """The commands behind the writes of one level's groups."""

    level: Level

    async def prepare(self, wish: JsonObject, parts: Parts) -> Vetted:
        """The group with its defaults, vetted; monitoring is asked about every expression. Raises `Denied`, `Invalid`,
        and `Busy` when monitoring can't be asked.
        """
        asked = shapes.wish(wish)
        group = defaulted(asked, self.level, parts.ids)
        check_group(group, self.level, parts.settings.shortest)
        for place, rule in enumerate(group.rules):
            try:
                await parts.metrics.parse(str(rule.expr), bindings(self.level, group.namespace, rule))
            except Invalid as fault:
                why = said_of(group.name, place, rule, f"could not parse expression: {fault.text}")
                raise NOUNS[self.level].refused(why) from fault
        return Vetted(asked, group)

    async def create(self, unit: Unit, wish: JsonObject, ask: Ask) -> Group:  # noqa: ARG002  # it is prepared
        """Make a group."""
        vetted: Vetted = ask.prepared
        return await commands.create_group(unit, GROUPS[self.level], vetted.group, uid=unit.id, by=ask.user, at=ask.at)

    async def update(self, unit: Unit, before: Group, wish: JsonObject, ask: Ask) -> Group:
        """Change a group. Raises `Stale` where another write made the wish another than the one that was vetted."""
        vetted: Vetted | None = ask.prepared
        if vetted is None or vetted.asked != shapes.wish(wish):
            raise NOUNS[self.level].stale(before.name)
        return await commands.change_group(unit, before, vetted.group, by=ask.user, at=ask.at)

    async def remove(self, unit: Unit, before: Group, ask: Ask) -> None:
        """Remove a group."""
        await commands.remove_group(unit, before, by=ask.user, at=ask.at)


def kind_of(level: Level) -> Kind[Group]:
    """The kind of a level's groups."""
    noun, writing = NOUNS[level], Writing(level)
    return Kind(
        group=GROUP,
        version=VERSION,
        kind=noun.kind,
        plural=noun.plural,
        singular=noun.singular,
        namespaced=level is Level.NAMESPACE,
        document=GROUPS[level],
        show=shapes.group,
        model=shapes.GroupShape,
        prepare=writing.prepare,
        create=writing.create,
        update=writing.update,
        remove=writing.remove,
    )


KINDS = tuple(kind_of(level) for level in Level)
