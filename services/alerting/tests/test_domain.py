"""Templates, builders, matchers, durations and the vetting of groups, with hostile text in every field."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.shared.errors import Denied, Invalid, Malformed
from services.alerting.domain.builder import built
from services.alerting.domain.duration import seconds
from services.alerting.domain.group import GroupWish, Rule
from services.alerting.domain.matcher import Matcher, filtered, matcher_of, parsed
from services.alerting.domain.numbers import exponential, plain
from services.alerting.domain.resource import Level
from services.alerting.domain.template import LONGEST, Scope, check, render
from services.alerting.domain.vetting import check_group, defaulted

SCOPE = Scope({"pod": "p-1", "evil": "{{ $value }}"}, 0.25)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("at {{ $value }}", "at 0.25"),
        ("{{ $labels.pod }} and {{.Labels.pod|toUpper}}", "p-1 and P-1"),
        ("{{ $value | humanizePercentage }}", "25%"),
        ('{{ printf "%.1f of %s" $value $labels.pod }}', "0.2 of p-1"),
        ('{{ index $labels "pod" }}', "p-1"),
        ("a {{- $value -}} b", "a0.25b"),
        ("{{ 90061 | humanizeDuration }}", "1d 1h 1m 1s"),
        ("{{ 1536 | humanize1024 }}", "1.5Ki"),
        ("{{ $labels.none }}|", "|"),
        ("{{/* nothing */}}x", "x"),
        ("{{ $labels.evil }}", "{{ $value }}"),
        ("plain", "plain"),
    ],
)
def test_template_is_rendered(text: str, wanted: str) -> None:
    """What Prometheus' templates give for the part of them that is offered; what a label holds is only text."""
    check(text)
    assert render(text, SCOPE) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "{{ nothing }}",
        "{{ nothing",
        "{{ query `up` }}",
        "{{ range . }}x{{ end }}",
        "{{ if true }}x{{ end }}",
        '{{ template "x" }}',
        "{{ $other }}",
        "{{ .Labels.__class__.__mro__ }}{{ }}",
        "{{ printf }}",
        '{{ "open }}',
        "{{ $value | }}",
        "{{ $value $value }}",
        '{{ humanize "x" }}',
    ],
)
def test_template_that_cannot_be_rendered_is_refused(text: str) -> None:
    """What isn't offered is refused when it is written; rendered all the same, it is left as an error's words."""
    with pytest.raises(Invalid):
        check(text)
    assert isinstance(render(text, SCOPE), str)


@given(st.text(alphabet=st.sampled_from('{}$.|"`-% dsv/*labeluhmniz0\n\\'), max_size=80))
def test_no_text_breaks_the_renderer(text: str) -> None:
    """Whatever is written, rendering ends in bounded text."""
    assert len(render(text, SCOPE)) <= LONGEST


@pytest.mark.parametrize(
    "text",
    ["{{" * 4000, "{{ " + " " * 8000, "{{ $value }}" * 600, "{{ `" + "`|`" * 2600, '{{ printf "%99.99f" 1e308 }}'],
)
def test_renderer_takes_no_time(text: str) -> None:
    """The longest texts are rendered at once, and to no more than a bound."""
    began = time.perf_counter()
    assert len(render(text, SCOPE)) <= LONGEST
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    ("number", "short", "long"),
    [(1, "1", "1e+00"), (0.5, "0.5", "5e-01"), (2**30, "1.073741824e+09", "1.073741824e+09"), (1e-7, "1e-07", "1e-07"),
     (float("inf"), "+Inf", "+Inf"), (float("nan"), "NaN", "NaN"), (-2.5, "-2.5", "-2.5e+00"), (0, "0", "0e+00")],
)  # fmt: skip
def test_numbers_are_printed_as_go_does(number: float, short: str, long: str) -> None:
    """The texts that Prometheus' clients compare."""
    assert (plain(float(number)), exponential(float(number))) == (short, long)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("5s", 5), ("1h30m", 5400), ("1d", 86400), ("0", 0), ("10ms", 0.01), ("", None), ("30m1h", None), ("1.5h", None),
     ("-1s", None), ("9" * 60 + "s", None), ("٣s", None)],
)  # fmt: skip
def test_durations(text: str, wanted: float | None) -> None:
    """Units each once and in order; nothing else is a duration."""
    assert seconds(text) == wanted


@pytest.mark.parametrize("name", ['x"} or up{a="', "a|b", ".*", "\\", "\n", "ü"])
def test_builder_quotes_names(name: str) -> None:
    """Whatever a workload's name holds, it ends no selector and means itself alone."""
    form = {"kind": "Deployment", "comparator": ">", "metricThreshold": {"cpu": {"usage": 1}}}
    one, _ = built({"workload": {**form, "names": [name]}}, Level.NAMESPACE)
    two, _ = built({"workload": {**form, "names": [name, "b"]}}, Level.NAMESPACE)
    for text in (one, two):
        inside = text[text.index("{") : text.rindex("}") + 1]
        assert len(parsed(inside)) == 1
        assert parsed(inside)[0].test()(f"Deployment:{name}")
        assert not parsed(inside)[0].test()("Deployment:other")


@pytest.mark.parametrize(
    "builder",
    [
        {},
        {"workload": "x"},
        {"workload": {"names": "abc", "comparator": ">", "metricThreshold": {"cpu": {"usage": 1}}}},
        {"workload": {"names": ["a"], "comparator": "or", "metricThreshold": {"cpu": {"usage": 1}}}},
        {"workload": {"names": ["a"], "comparator": ">", "metricThreshold": {"cpu": {"usage": True}}}},
        {"workload": {"names": ["a"], "comparator": ">", "metricThreshold": {"cpu": {"usage": "1) or vector(1"}}}},
        {"workload": {"names": ["a"], "comparator": ">", "metricThreshold": [1]}},
        {
            "workload": {
                "names": ["a"],
                "kind": "{x}",
                "comparator": ">",
                "metricThreshold": {"replica": {"unavailableRatio": 1}},
            }
        },
        {"node": {"names": ["a"], "comparator": ">", "metricThreshold": {"cpu": {"utilization": 1}}}},
    ],
)
def test_builder_that_says_too_little_gives_nothing(builder: dict[str, Any]) -> None:
    """Of the wrong type, of an unknown comparator or threshold, or of another level: no expression."""
    assert built(builder, Level.NAMESPACE)[0] == ""


@pytest.mark.parametrize(
    "text", ["", "{", "{a}", '{a="b"', "{a='b'}", '{a="b" or c="d"}', "{a=b}", '{1a="b"}', "{" * 2000]
)
def test_matcher_that_cannot_be_read_is_refused(text: str) -> None:
    """A reader's selector that isn't PromQL's is refused."""
    with pytest.raises(Malformed):
        parsed(text)


def test_expressions_of_readers_take_no_time() -> None:
    """A regular expression that others would take for ever over is matched in linear time, or refused."""
    began = time.perf_counter()
    (matcher,) = parsed('{a=~"(a+)+$"}')
    assert matcher.test()("a" * 5000 + "b") is False
    with pytest.raises(Invalid):
        Matcher(name="a", op="=~", value="(?<=a)b").test()
    assert time.perf_counter() - began < 1


def test_filters_of_the_console() -> None:
    """`k=v` is the whole value, `k~v` a part of it as it is written; what is neither is passed over."""
    found = filtered("alertname=Down,pod~P-,odd,=x,a=b=c")
    assert [(one.name, one.op, one.value) for one in found] == [
        ("alertname", "=", "Down"),
        ("pod", "~", "P-"),
        ("a", "=", "b=c"),
    ]


def test_selector_of_many_values_means_each_alone() -> None:
    """Values of a selector are texts, not expressions."""
    matcher = matcher_of("namespace", {"inValues": ["a.b", "c|d"]})
    assert matcher is not None
    test = matcher.test()
    assert [test(value) for value in ("a.b", "axb", "c|d", "c", "d")] == [True, False, True, False, False]


def wish(*rules: Rule, **more: Any) -> GroupWish:
    return GroupWish("g", "shop", interval=more.get("interval", "5s"), rules=rules)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (wish(Rule(alert="", expr="up")), "'alert' cannot be empty"),
        (wish(Rule(alert="a", expr="")), "exprBuilder.workload"),
        (wish(Rule(alert="a", expr="up", labels={"__name__": "x"})), "invalid label name"),
        (wish(Rule(alert="a", expr="up", labels={"a\nb": "x"})), "invalid label name"),
        (wish(Rule(alert="a", expr="up", annotations={"a": "x" * 9000})), "8192 characters"),
        (wish(Rule(alert="a", expr="up", labels={f"l{n}": "x" for n in range(65)})), "more than 64"),
        (wish(Rule(alert="a", expr="up"), interval="1ms"), "invalid 'interval'"),
        (wish(Rule(alert="a", expr="up"), interval="2d"), "invalid 'interval'"),
        (wish(Rule(alert="a", expr="up", clusters={"matcher": {"type": "~", "value": "x"}})), "unsupported match type"),
        (wish(Rule(alert="a", expr="up", namespaces={"matcher": {"type": "=~", "value": "("}})), "invalid matcher"),
        (wish(*[Rule(alert=f"a{n}", expr="up") for n in range(41)]), "exceeding the max count (40)"),
    ],
)
def test_group_is_refused(asked: GroupWish, said: str) -> None:
    """Each refusal in its words."""
    with pytest.raises(Denied) as refused:
        check_group(asked, Level.NAMESPACE, 1)
    assert said in refused.value.text


def test_each_rule_has_an_id_of_its_own() -> None:
    """A rule without an id gets one, and so does one that has another's."""
    ids = iter(("x", "y"))
    rules = (Rule(alert="a", expr="up", labels={"rule_id": "1"}), Rule(alert="b", expr="up", labels={"rule_id": "1"}))
    found = defaulted(wish(*rules, Rule(alert="c", expr="up")), Level.NAMESPACE, lambda: next(ids))
    assert [rule.id for rule in found.rules] == ["1", "x", "y"]
