"""Jenkinsfiles: what is understood, and every refusal with its line, column and construct."""

from __future__ import annotations

import pytest

from libs.shared.errors import Invalid
from services.devops.domain.jenkinsfile.conditions import when
from services.devops.domain.jenkinsfile.model import Check, Place, Ref, Stage, Template
from services.devops.domain.jenkinsfile.parser import parse
from services.devops.domain.jenkinsfile.reader import Tokens
from services.devops.domain.jenkinsfile.steps import source

WHOLE = r"""#!groovy
// a comment
pipeline {
  agent any
  environment { A = 'x'; B = "${A}-$A" + env.C; KEY = credentials('token') }
  parameters {
    string(name: 'WHO', defaultValue: 'all', description: 'who')
    booleanParam(name: 'LOUD', defaultValue: true)
    choice(name: 'PICK', choices: ['a', 'b'])
    choice(name: 'OLD', choices: "c\nd")
    text(name: 'LONG'); password(name: 'PASS', defaultValue: '')
  }
  options { timeout(time: 5, unit: 'MINUTES'); retry(2) }
  /* another
     comment */
  stages {
    stage('Build') {
      agent any
      when {
        branch 'main'
        not { environment name: 'A', value: "b" }
        expression { return params.LOUD == true && (env.X != 'y' || !WHO) }
      }
      options { timeout 30 }
      steps {
        sh "make ${params.WHO} \$HOME"
        sh(script: 'true', label: 'nothing')
        echo('''three
lines''')
        withCredentials([
          usernamePassword(credentialsId: 'x', usernameVariable: 'U', passwordVariable: 'P'),
          string(credentialsId: 'y', variable: 'Y'),
        ]) {
          dir('sub') { sh 'pwd' }
        }
        withEnv(['N=1', "M=${N}"]) { echo "$M" }
        git url: 'https://example.com/a.git', branch: 'dev', credentialsId: 'c', poll: false
        checkout([$class: 'GitSCM', branches: [[name: '*/main']], userRemoteConfigs: [[url: 'https://example.com/b']]])
        archiveArtifacts artifacts: 'out/**', allowEmptyArchive: true
        timeout(time: 3, unit: 'SECONDS') { retry(3) { sleep 1 } }
        input message: 'go on?', submitter: 'ann,bob', ok: 'Yes'
        error 'over'
      }
      post { failure { echo 'bad' } }
    }
    stage('Side by side') {
      parallel {
        stage('Left') { steps { echo 'l' } }
        stage('Right') { stages { stage('Inner') { steps { echo 'r' } } } }
      }
    }
  }
  post {
    always { echo 'done' }
    success { echo 'well' }
  }
}
"""


WHEN = "pipeline {\nagent any\nstages { stage('x') { when { "


def around(steps: str) -> str:
    return f"pipeline {{\n agent any\n stages {{\n stage('A') {{\n steps {{\n{steps}\n}}\n}}\n}}\n}}"


def inside(section: str) -> str:
    return f"pipeline {{\n{section}\nagent any\nstages {{ stage('A') {{ steps {{ echo 'x' }} }} }}\n}}"


def test_all_that_is_understood() -> None:
    """Every construct at once: the model says what the text said."""
    found = parse(WHOLE)
    assert [variable.name for variable in found.environment] == ["A", "B", "KEY"]
    assert found.environment[1].value == Template((Ref("", "A"), "-", Ref("", "A"), Ref("env", "C")))
    assert found.environment[2].credential
    kinds = [(one.name, one.kind, one.default, one.choices) for one in found.parameters]
    assert kinds == [
        ("WHO", "string", "all", ()),
        ("LOUD", "boolean", "true", ()),
        ("PICK", "choice", "a", ("a", "b")),
        ("OLD", "choice", "c", ("c", "d")),
        ("LONG", "text", "", ()),
        ("PASS", "password", "", ()),
    ]
    assert (found.options.timeout, found.options.tries) == (300, 2)
    build, side = found.stages
    assert build.when is not None
    assert [one.check for one in build.when.inner] == [Check.BRANCH, Check.NOT, Check.EXPRESSION]
    assert build.options.timeout == 1800
    assert build.steps[0].args["script"] == Template(("make ", Ref("params", "WHO"), " $HOME"))
    assert build.steps[2].args["message"] == Template(("three\nlines",))
    assert source(build.steps[5]).branch == Template(("dev",))
    assert source(build.steps[6]).url == Template(("https://example.com/b",))
    assert [one.name for one in build.steps[8].children[0].children] == ["sleep"]
    assert side.parallel
    assert side.stages[1].stages[0].name == "Inner"
    assert found.post is not None
    assert list(found.post.conditions) == ["always", "success"]


def test_ids_follow_from_the_text_alone() -> None:
    """Read again after a restart, every step and stage has the id that it had."""

    def ids(stage: Stage) -> list[str]:
        return [stage.id, *(step.id for step in stage.steps), *(i for inner in stage.stages for i in ids(inner))]

    first, second = ([i for stage in parse(WHOLE).stages for i in ids(stage)] for _ in range(2))
    assert first == second
    assert len(first) == len(set(first))


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", (1, 1), "pipeline"),
        ("node { sh 'x' }", (1, 1), "scripted"),
        ("@Library('x') _", (1, 1), "“@” is not understood"),
        ("pipeline { }", (1, 1), "no agent"),
        ("pipeline {\n agent any\n}", (1, 1), "no stages"),
        ("pipeline {\n agent { label 'x' }", (2, 8), "agent any is accepted"),
        ("pipeline {\n agent none", (2, 8), "agent any is accepted"),
        ("pipeline {\n agent any\n agent any", (3, 2), "stands twice"),
        ("pipeline {\n agent any", (2, 11), "a name or “}” is expected, and the end found"),
        (inside("tools { maven 'x' }"), (2, 1), "tools"),
        (inside("triggers { cron('x') }"), (2, 1), "triggers"),
        (inside("libraries { lib('x') }"), (2, 1), "libraries"),
        (inside("nonsense { }"), (2, 1), "“nonsense” is no section"),
        (inside("options { timestamps() }"), (2, 11), "“timestamps” is no option"),
        (inside("options { retry(0) }"), (2, 11), "retry takes a number from 1"),
        (inside("options { retry('x') }"), (2, 11), "retry takes a number from 1"),
        (inside("options { timeout(time: 5, unit: 'YEARS') }"), (2, 11), "“YEARS” is no unit"),
        (inside("options { timeout(time: 0) }"), (2, 11), "lasts a second"),
        (inside("options { timeout(time: 999, unit: 'DAYS') }"), (2, 11), "30 days"),
        (inside("environment { A = sh('x') }"), (2, 19), "a call of “sh”"),
        (inside("environment { A = foo.bar }"), (2, 19), "“foo.…” is not understood"),
        (inside("environment { A = 'x'\nA = 'y' }"), (3, 1), "stands twice"),
        (inside("environment { A 'x' }"), (2, 17), "“=” is expected"),
        (inside('environment { A = "${x()}" }'), (2, 20), "is not understood in a text"),
        (inside('environment { A = "${a.b}" }'), (2, 20), "is not understood in a text"),
        (inside('environment { A = "$ 5" }'), (2, 20), "a plain dollar is written \\$"),
        (inside('environment { A = "$a.txt" }'), (2, 20), "is not understood in a text"),
        (inside("environment { A = 'x"), (2, 19), "ends with its line"),
        (inside("environment { A = '''x"), (2, 19), "has no end"),
        (inside("environment { A = '\\q' }"), (2, 20), "is no escape"),
        (inside("environment { A = '\\ud800' }"), (2, 20), "half of a character pair"),
        (inside("/* x"), (2, 1), "comment that begins here has no end"),
        (inside("parameters { file(name: 'X') }"), (2, 14), "“file” is no parameter"),
        (inside("parameters { string(name: 'a b') }"), (2, 14), "name of a variable"),
        (inside("parameters { string(name: 'X', defaultValue: true) }"), (2, 14), "wrong kind"),
        (inside("parameters { booleanParam(name: 'X', defaultValue: 'x') }"), (2, 14), "wrong kind"),
        (inside("parameters { choice(name: 'X', choices: []) }"), (2, 14), "choice needs choices"),
        (inside("parameters { string(name: 'X', trim: true) }"), (2, 14), "takes no “trim”"),
        (inside("parameters { string(name: 'X')\nstring(name: 'X') }"), (3, 1), "stands twice"),
        (inside("post { fixed { echo 'x' } }"), (2, 8), "“fixed” is not understood in post"),
        (inside("post { always { } }"), (2, 15), "always holds no step"),
        ("pipeline {\nagent any\nstages { }", (3, 8), "stages holds no stage"),
        ("pipeline {\nagent any\nstages { step('x') }", (3, 10), "a stage is expected"),
        ('pipeline {\nagent any\nstages { stage("$x") { } }', (3, 16), "without variables"),
        ("pipeline {\nagent any\nstages { stage('') { } }", (3, 16), "1 to 200"),
        ("pipeline {\nagent any\nstages { stage('x') { } }", (3, 10), "one of steps, stages and parallel"),
        ("pipeline {\nagent any\nstages { matrix { } }", (3, 10), "matrix"),
        ("pipeline {\nagent any\nstages { stage('x') { failFast true; steps { echo 'x' } } } }", (3, 23), "failFast"),
        ("pipeline {\nagent any\nstages { stage('x') { input { } } }", (3, 23), "input is understood as a step"),
        ("pipeline {\nagent any\nstages { stage('x') { when { tag 'x' } } }", (3, 30), "“tag” is no condition"),
        ("pipeline {\nagent any\nstages { stage('x') { when { } } }", (3, 28), "when says nothing"),
        (WHEN + "not { branch 'a'\nbranch 'b' } } } }", (3, 30), "not takes one"),
        ("pipeline {\nagent any\nstages { stage('x') { when { branch 5 } } }", (3, 30), "branch takes pattern"),
        ("pipeline {\nagent any\nstages { stage('x') { when { expression { a() } } } }", (3, 43), "a call of “a”"),
        (WHEN + "expression { a =~ 'b' } } } }", (3, 46), "“~” is not understood"),
        (inside("").replace("}\n}", "}\n} x"), (5, 3), "after the pipeline's end"),
        (around("stage('B') { }"), (6, 1), "“stage” is no step"),
        (around("script { x = 1 }"), (6, 1), "script blocks are Groovy"),
        (around("container('x') { sh 'x' }"), (6, 1), "no containers"),
        (around("def x = 1"), (6, 1), "“def” is no step"),
        (around("sh"), (6, 1), "sh needs script"),
        (around("sh 5"), (6, 1), "script of sh should be a text"),
        (around("sh script: 'x', returnStdout: true"), (6, 1), "sh takes no “returnStdout”"),
        (around("sh 'a', script: 'b'"), (6, 9), "mixed"),
        (around("sh script: 'b', script: 'c'"), (6, 17), "given twice"),
        (around("sh 'a' echo 'b'"), (6, 8), "after sh"),
        (around("sleep 'x'"), (6, 1), "time of sleep should be a number"),
        (around("sleep 99999999999"), (6, 7), "at most 9 digits"),
        (around("retry(1000) { echo 'x' }"), (6, 1), "retry takes a number from 1 to 100"),
        (around("retry(2)"), (6, 9), "“{” after retry"),
        (around("echo 'x' { }"), (6, 10), "after echo"),
        (around("dir('x') { foo() }"), (6, 12), "“foo” is no step"),
        (around("withEnv('A=b') { echo 'x' }"), (6, 1), "should be a list"),
        (around("withEnv(['nothing']) { echo 'x' }"), (6, 1), "'NAME=value'"),
        (around("withEnv([\"$A=b\"]) { echo 'x' }"), (6, 1), "'NAME=value'"),
        (around("withCredentials(['x']) { echo 'x' }"), (6, 1), "withCredentials takes a list"),
        (around("withCredentials([file(credentialsId: 'x', variable: 'X')]) { echo 'x' }"), (6, 18), "binds no"),
        (around("withCredentials([string(variable: 'X')]) { echo 'x' }"), (6, 18), "needs credentialsId"),
        (around("withCredentials([string(credentialsId: 'x')]) { echo 'x' }"), (6, 18), "needs variable"),
        (around("withCredentials([string(credentialsId: 'x', variable: 'a b')]) { echo 'x' }"), (6, 18), "a variable"),
        (around("withCredentials([string(credentialsId: 'x', more: 'a')]) { echo 'x' }"), (6, 18), "takes no “more”"),
        (around("checkout scm"), (6, 1), "checkout scm needs"),
        (around("checkout([$class: 'SubversionSCM'])"), (6, 1), "GitSCM"),
        (around("checkout([$class: 'GitSCM', userRemoteConfigs: [[refspec: 'x']]])"), (6, 1), "userRemoteConfigs"),
        (around("git url: 'x', 'b'"), (6, 15), "mixed"),
        (around("echo [1, a: 2]"), (6, 6), "half a list"),
        (around("echo [x]"), (6, 7), "“x” is not understood in a list"),
        (around("echo ]"), (6, 6), "is expected"),
        (around("\x00"), (6, 1), "is not understood here"),
        (around("echo `id`"), (6, 6), "“`” is not understood here"),
        (around("echo /x/"), (6, 6), "“/” is not understood here"),
    ],
)  # fmt: skip
def test_refusals_name_line_column_and_construct(text: str, place: tuple[int, int], said: str) -> None:
    """What isn't understood is refused where it stands, and by its name."""
    with pytest.raises(Invalid) as refusal:
        parse(text)
    begin = f"Jenkinsfile, line {place[0]}, column {place[1]}: "
    assert refusal.value.text.startswith(begin), refusal.value.text
    assert said in refusal.value.text


@pytest.mark.parametrize(
    "text",
    [
        "a" * 300_000,
        "x;" * 60_000,
        "pipeline " + "{ a " * 30_000,
        around("echo " + "[" * 50_000),
        around("dir('x') { " * 100),
        around("echo '" + "\\" * 60_001),
        around('echo "' + "${" * 40_000 + '"'),
        around("echo '" + "$" * 100_000 + "x"),
        around("echo 'x'\n" * 1001),
        "/*" * 100_000,
        "".join(f"stage('{n}') {{ steps {{ echo 'x' }} }}\n" for n in range(201)).join(
            ("pipeline { agent any\nstages {\n", "} }")
        ),
        "pipeline { agent any\nstages { stage('x') { when { expression { " + "!" * 5000 + "a } } } } }",
        "pipeline { agent any\nstages { stage('x') { when { expression { " + "(" * 5000 + "a } } } } }",
    ],
)  # fmt: skip
def test_hostile_sizes_and_depths_are_refused(text: str) -> None:
    """Neither size, depth nor number breaks anything."""
    with pytest.raises(Invalid):
        parse(text)


def test_twins_are_refused() -> None:
    """Two stages of one name could not be told apart."""
    text = "pipeline { agent any\nstages { stage('A') { steps { echo 'x' } }\nstage('A') { steps { echo 'y' } } } }"
    with pytest.raises(Invalid, match="two stages are called 'A'"):
        parse(text)


def test_refusals_repeat_little_and_print_it() -> None:
    """A refusal repeats a short piece of what it refuses, and no control character of it."""
    with pytest.raises(Invalid) as refusal:
        parse(around("\x1b[31m" + "x" * 5000))
    assert "\x1b" not in refusal.value.text
    with pytest.raises(Invalid) as refusal:
        parse(around("y" * 5000))
    assert len(refusal.value.text) < 400


def test_a_text_is_counted_from_where_it_stands() -> None:
    """A fault inside of a text of several lines is told at its own line."""
    with pytest.raises(Invalid, match="line 7, column 3"):
        parse(around('echo """a\nb ${x()}"""'))
    assert Tokens("\n\n  x").next.at == Place(1, 1)
    assert when(Tokens("{ branch 'x' }")).check is Check.BRANCH
