"""The documentation is true where a program can tell."""

from __future__ import annotations

import pathlib
import re

from hack import settings

ROOT = pathlib.Path(__file__).parents[2]


def test_every_setting_is_documented_as_declared() -> None:
    """The page of settings is what the declarations say."""
    assert settings.PAGE.read_text() == settings.page()


def test_links_lead_somewhere() -> None:
    """Each relative link of README and docs names a file or folder that is there."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#:\s]+)[^)]*\)", page.read_text())]
    assert links
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []
