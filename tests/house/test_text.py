"""What is committed: no machine's paths, no package host, no secret; every module and test says what it is for."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.house.source import ROOT, sources

PLACES = re.compile(r"(/home/\w|/Users/\w|/root/|/work/|\.pyenv)")
HOSTS = re.compile(r"(https?://)?(files\.pythonhosted|pypi|test\.pypi|registry\.npmjs|proxy\.golang)\.(org|io)")
INDEX = re.compile(r"--(extra-)?index-url|--find-links|--trusted-host")
KEY = re.compile("-----BEGIN [A-Z ]*PRIVATE" + " KEY-----\n[A-Za-z0-9+/]")
TEXT = {".py", ".md", ".toml", ".ini", ".cfg", ".yml", ".yaml", ".json", ".jsonl", ".lock", ".sh", ".proto", ".txt", ""}
SELF = "tests/house/test_text.py"


def tracked() -> list[Path]:
    """Committed files with text in them; every file where there is no git."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = listed.stdout.decode().split("\0") if listed.returncode == 0 else [s.path for s in sources()]
    paths = [ROOT / name for name in names if name and name != SELF]
    return [path for path in paths if path.suffix in TEXT and path.is_file()]


@pytest.mark.parametrize("pattern", [PLACES, HOSTS, INDEX, KEY], ids=["places", "hosts", "index", "keys"])
def test_nothing_of_one_machine(pattern: re.Pattern[str]) -> None:
    """A clone works anywhere: no path of a developer's machine, no package host, no private key."""
    found = [
        f"{path.relative_to(ROOT)}: {match[0]!r}"
        for path in tracked()
        if (match := pattern.search(path.read_text(errors="replace")))
    ]
    assert found == []


def test_every_module_says_why_it_exists() -> None:
    """A docstring at the top, short enough to be read."""
    silent = [s.path for s in sources() if not ast.get_docstring(s.tree)]
    assert silent == []


def test_every_test_says_what_it_proves() -> None:
    """Each test function has a docstring."""
    silent = [
        f"{source.path}:{function.name}"
        for source in sources()
        if source.test
        for function in source.functions()
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert silent == []


def test_every_test_can_fail() -> None:
    """Each test asserts, expects an error, or calls what does (a helper of its own file, a conformance case)."""
    idle = [
        f"{source.path}:{function.name}"
        for source in sources()
        if source.test and not source.path.startswith("tests/bench/")
        for function in source.functions()
        if function.name.startswith("test_") and not can_fail(function)
    ]
    assert idle == []


def can_fail(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether anything in the body can fail the test: an assert, `pytest.raises`, or a call."""
    return any(isinstance(node, ast.Assert | ast.Call | ast.Raise) for node in ast.walk(function))


def test_every_setting_has_a_meaning() -> None:
    """A field of a Settings model has a docstring: the error and `--check` show it."""
    bare = []
    for source in sources():
        for node in source.nodes:
            if isinstance(node, ast.ClassDef) and "Settings" in {ast.unparse(base) for base in node.bases}:
                bare += [f"{source.path}:{name}" for name in undocumented(node.body)]
    assert bare == []


def undocumented(body: list[ast.stmt]) -> list[str]:
    """Annotated fields that no string follows."""
    following = [*body[1:], None]
    return [
        ast.unparse(item.target)
        for item, after in zip(body, following, strict=True)
        if isinstance(item, ast.AnnAssign)
        and not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant))
    ]


def test_suppressions_have_reasons() -> None:
    """A rule is silenced at one line, by name, with the reason behind it."""
    bare = re.compile(r"#\s*(noqa(?!: [A-Z]+\d+(, ?[A-Z]+\d+)*\s+(#|-) ?\S)|type: ignore(?!\[[\w, -]+\]\s+# ?\S))")
    found = [
        f"{source.path}:{number}"
        for source in sources()
        if source.path != SELF
        for number, line in enumerate(source.text.splitlines(), 1)
        if bare.search(line)
    ]
    assert found == []
