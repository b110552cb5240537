"""With which rights Helm works for a user who isn't here: asked of the gateway when it is called, and lent to the
cluster as a user with groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from libs.shared.errors import Busy, Denied, Fault, Missing
from libs.shared.http.calls import Calls
from libs.shared.kube.client import Kube
from services.openpitrix.domain.release import Release, Work

SIGHTS: Final = "/internal/gateway/v1/sights"
ENDED: Final = "no-user"
"""Slug of the gateway's answer about an account that is disabled or gone."""
RELEASES: Final = "orrery:releases:"
"""With a project's name behind it: the group that holds `edit` there, and nothing anywhere else."""
DECIDED: Final = "orrery:decided"
"""The group that holds everything."""
VERBS: Final[Mapping[Work, str]] = {Work.INSTALL: "create", Work.UPGRADE: "create", Work.DELETE: "delete"}


class Authority:
    """The gateway's word, and the cluster's kubeconfigs."""

    def __init__(self, calls: Calls, cluster: Kube) -> None:
        self._calls, self._cluster = calls, cluster

    async def kubeconfig(self, release: Release) -> Mapping[str, Any]:
        """How Helm enters the cluster for this release: as who asked for it last, with what a release needs in its
        project; whoever may do everything anywhere may do it here too.

        Raises `Denied` when he may no longer have releases there, `Busy` when nobody can tell.
        """
        may_release, may_everything = await self._asked(release)
        if not may_release:
            text = f"{release.by} may not {VERBS[release.work]} applications in {release.namespace} any more"
            raise Denied("release-rights", text)
        groups = [RELEASES + release.namespace, *([DECIDED] if may_everything else [])]
        return await self._cluster.as_user(release.by, groups).kubeconfig()

    async def _asked(self, release: Release) -> tuple[bool, bool]:
        place = {"workspace": release.workspace, "namespace": release.namespace, "scope": "Namespace"}
        own = {"verb": VERBS[release.work], "resource": "applications", "group": "openpitrix.io", **place}
        every = {"verb": "*", "resource": "*", "group": "*", "scope": "Cluster"}
        try:
            answer = await self._calls.ask("gateway", "POST", SIGHTS, json={"user": release.by, "may": [own, every]})
        except Missing as fault:
            if fault.slug == ENDED:
                raise Denied("release-rights", f"the account {release.by} is disabled or gone") from fault
            raise Busy("sights", "the gateway can't say now what the user may do", retry_after=1) from fault
        except Fault as fault:
            raise Busy("sights", "the gateway can't say now what the user may do", retry_after=1) from fault
        return answer["may"][0] is True, answer["may"][1] is True
