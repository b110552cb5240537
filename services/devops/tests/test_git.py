"""Checking out: trees of branches, with and without a login, and nothing but what git itself is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.devops.tests.repository import filled, served
from services.devops.tests.yard import Yard, around, yard_in


@pytest.fixture
async def yard(tmp_path: Path) -> AsyncIterator[Yard]:
    async with yard_in(tmp_path) as made:
        yield made


async def test_a_tree_is_checked_out(yard: Yard, tmp_path: Path) -> None:
    """A branch by each of its spellings, into the present folder, twice over what is there."""
    async with served(filled(tmp_path / "repo", {"a": "first\n"})) as url:
        scm = f"[$class: 'GitSCM', branches: [[name: '*/main']], userRemoteConfigs: [[url: '{url}']]]"
        script = around(
            f"git url: '{url}', branch: 'main'",
            "sh 'cat a; test ! -e more'",
            f"git url: '{url}', branch: 'feature/other'",
            "sh 'cat more'",
            f"dir('sub') {{ checkout({scm}) }}",
            "sh 'ls sub'",
        )
        result, log = await yard.ran(script)
        assert result == "SUCCESS", log
        assert "first\n" in log
        assert "other\n" in log
        assert log.count("checked out ") == 3
        assert log.endswith("+ ls sub\na\nFinished: SUCCESS\n")


async def test_a_login_is_lent_and_hidden(yard: Yard, tmp_path: Path) -> None:
    """With the project's credential the repository opens; without, or with a wrong one, it says so; no log shows it."""
    await yard.credential("good", "basic-auth", username="ann", password="sesame-open")
    await yard.credential("bad", "basic-auth", username="ann", password="sesame-shut")
    async with served(filled(tmp_path / "repo", {"a": "first\n"}), "ann:sesame-open") as url:
        for credential, wanted in (("good", "SUCCESS"), ("bad", "FAILURE"), ("none", "FAILURE")):
            step = f"git url: '{url}', branch: 'main', credentialsId: '{credential}'"
            result, log = await yard.ran(around(step, "sh 'cat .git/config; git config -l'"))
            assert result == wanted, log
            assert "sesame" not in log
            assert "YW5u" not in log
        assert (await yard.ran(around(f"git url: '{url}', branch: 'main'")))[0] == "FAILURE"


async def test_configuration_of_a_workspace_counts_for_nothing(yard: Yard, tmp_path: Path) -> None:
    """Hooks and helpers that a step has left are gone before git is asked, and a redirection is not followed."""
    async with served(filled(tmp_path / "repo", {"a": "first\n"})) as url:
        script = around(
            'sh \'git init -q . && git config core.fsmonitor "touch $WORKSPACE/owned" && '
            "git config url.http://10.0.0.1/.insteadOf http:// && mkdir -p .git/hooks && "
            'printf "#!/bin/sh\\\\ntouch $WORKSPACE/owned" > .git/hooks/post-checkout && chmod +x .git/hooks/*\'',
            f"git url: '{url}', branch: 'main'",
            "sh 'cat a; test ! -e owned'",
        )
        result, log = await yard.ran(script)
        assert result == "SUCCESS", log
        away = url.replace("/repo", "/away")
        assert (await yard.ran(around(f"git url: '{away}', branch: 'main'")))[0] == "FAILURE"


async def test_a_branch_that_there_is_not(yard: Yard, tmp_path: Path) -> None:
    """The log has git's own words."""
    async with served(filled(tmp_path / "repo", {"a": "first\n"})) as url:
        result, log = await yard.ran(around(f"git url: '{url}', branch: 'none'"))
        assert (result, "couldn't find remote ref none" in log) == ("FAILURE", True), log
