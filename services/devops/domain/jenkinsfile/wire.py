"""A Jenkinsfile as the JSON model that the graphical editor works on, and back (devops-apps-mesh 2.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from libs.shared.errors import Malformed, TooLarge
from libs.shared.objects.pointers import DEEPEST, weigh
from services.devops.domain.jenkinsfile import groovy
from services.devops.domain.jenkinsfile.model import (
    Check,
    Options,
    Parameter,
    Pipeline,
    Post,
    Stage,
    Step,
    Template,
    Value,
    Variable,
    When,
)

JsonObject = dict[str, Any]
ANY: Final = {"type": "any"}
CALLED: Final[Mapping[str, str]] = {"boolean": "booleanParam"}


def shown(script: Pipeline) -> str:
    """The model as JSON text."""
    found: JsonObject = {"agent": ANY, **_common(script)}
    if script.parameters:
        found["parameters"] = {"parameters": [_parameter(one) for one in script.parameters]}
    found["stages"] = [_stage(one) for one in script.stages]
    return orjson.dumps({"pipeline": found}).decode()


def _common(of: Pipeline | Stage) -> JsonObject:
    found: JsonObject = {}
    if of.environment:
        found["environment"] = [{"key": one.name, "value": _variable(one)} for one in of.environment]
    if options := _options(of.options):
        found["options"] = {"options": options}
    if of.post is not None:
        found["post"] = {"conditions": _post(of.post)}
    return found


def _variable(one: Variable) -> JsonObject:
    if one.credential:
        return {"isLiteral": False, "value": f"${{credentials({groovy.text(one.value)})}}"}
    return _value(one.value)


def _value(value: Value) -> JsonObject:
    if isinstance(value, (bool, int)):
        return {"isLiteral": True, "value": value}
    plain = value.plain if isinstance(value, Template) else None
    if plain is not None:
        return {"isLiteral": True, "value": plain}
    return {"isLiteral": False, "value": f"${{{groovy.written(value)}}}"}


def _arguments(args: Mapping[str, Value]) -> list[JsonObject]:
    return [{"key": key, "value": _value(value)} for key, value in args.items()]


def _options(options: Options) -> list[JsonObject]:
    found = []
    if options.timeout:
        args: dict[str, Value] = {"time": options.timeout, "unit": Template(("SECONDS",))}
        found.append({"name": "timeout", "arguments": _arguments(args)})
    if options.tries > 1:
        found.append({"name": "retry", "arguments": [_value(options.tries)]})
    return found


def _parameter(one: Parameter) -> JsonObject:
    kind = CALLED.get(one.kind, one.kind)
    default: Value = Template((one.default,)) if one.kind != "boolean" else one.default == "true"
    args: dict[str, Value] = {"name": Template((one.name,)), "description": Template((one.description,))}
    args |= {"choices": tuple(Template((each,)) for each in one.choices)} if one.choices else {"defaultValue": default}
    return {"name": kind, "arguments": _arguments(args)}


def _stage(stage: Stage) -> JsonObject:
    found: JsonObject = {"name": stage.name, **_common(stage)}
    if stage.when is not None:
        found["when"] = {"conditions": [_when(stage.when)]}
    if stage.fail_fast:
        found["failFast"] = True
    if stage.stages:
        return found | {"parallel" if stage.parallel else "stages": [_stage(one) for one in stage.stages]}
    return found | {"branches": [_branch(stage.steps)]}


def _branch(steps: Iterable[Step]) -> JsonObject:
    return {"name": "default", "steps": [_step(one) for one in steps]}


def _step(step: Step) -> JsonObject:
    found: JsonObject = {"name": step.name, "arguments": _arguments(step.args)}
    return found | {"children": [_step(one) for one in step.children]} if step.children else found


def _when(when: When) -> JsonObject:
    if when.check in (Check.ALL, Check.ANY, Check.NOT):
        return {"name": when.check.value, "children": [_when(one) for one in when.inner]}
    if when.expression is not None:
        text = f"${{{groovy.condition(when.expression)}}}"
        return {"name": when.check.value, "arguments": [{"isLiteral": False, "value": text}]}
    return {"name": when.check.value, "arguments": _arguments(dict(when.args))}


def _post(post: Post) -> list[JsonObject]:
    return [{"condition": name, "branch": _branch(steps)} for name, steps in post.conditions.items()]


def written(text: str) -> str:
    """The Jenkinsfile that a model stands for, still to be read. Raises `Malformed` for what is no model."""
    try:
        model = orjson.loads(text)
        weigh(model, deepest=DEEPEST)
    except (ValueError, TooLarge):
        raise Malformed("jenkinsfile-model", "data should be the JSON of a Jenkinsfile's model") from None
    try:
        return "\n".join(_block("pipeline", _pipeline(model["pipeline"]))) + "\n"
    except (KeyError, TypeError, AttributeError, IndexError):
        raise Malformed("jenkinsfile-model", "data is no model of a Jenkinsfile: a part is missing or odd") from None


def _block(head: str, lines: Iterable[str]) -> list[str]:
    return [f"{head} {{", *(f"  {line}" for line in lines), "}"]


def _pipeline(model: JsonObject) -> list[str]:
    lines = [f"agent {model.get('agent', ANY)['type']}"]
    lines += _sections(model)
    return lines + _block("stages", [line for one in model["stages"] for line in _stage_lines(one)])


def _sections(model: JsonObject) -> list[str]:
    lines: list[str] = []
    if environment := model.get("environment"):
        lines += _block("environment", (f"{one['key']} = {_literal(one['value'])}" for one in environment))
    for section in ("parameters", "options"):
        if given := (model.get(section) or {}).get(section):
            lines += _block(section, (f"{one['name']}({_given(one.get('arguments', []))})" for one in given))
    if when := (model.get("when") or {}).get("conditions"):
        lines += _block("when", (line for one in when for line in _when_lines(one)))
    if post := (model.get("post") or {}).get("conditions"):
        inner = [line for one in post for line in _block(one["condition"], _steps(one["branch"]["steps"]))]
        lines += _block("post", inner)
    return lines


def _stage_lines(model: JsonObject) -> list[str]:
    lines = _sections(model)
    if model.get("failFast"):
        lines.append("failFast true")
    for body in ("stages", "parallel"):
        if model.get(body):
            lines += _block(body, [line for one in model[body] for line in _stage_lines(one)])
    if not (model.get("stages") or model.get("parallel")):
        lines += _block("steps", _steps(model["branches"][0]["steps"]))
    return _block(f"stage({groovy.quoted(model['name'])})", lines)


def _steps(models: Iterable[JsonObject]) -> list[str]:
    lines = []
    for one in models:
        head = f"{one['name']}({_given(one.get('arguments', []))})"
        lines += _block(head, _steps(one["children"])) if one.get("children") else [head]
    return lines


def _when_lines(model: JsonObject) -> list[str]:
    if model.get("children"):
        return _block(model["name"], [line for one in model["children"] for line in _when_lines(one)])
    if model["name"] == Check.EXPRESSION.value:
        given = model["arguments"]
        return _block("expression", [_literal(given[0] if isinstance(given, list) else given)])
    return [f"{model['name']}({_given(model.get('arguments', []))})"]


def _given(given: Any) -> str:
    """Arguments: a value, or a list of values with keys."""
    if isinstance(given, dict):
        return _literal(given)
    return ", ".join(f"{one['key']}: {_literal(one['value'])}" if "key" in one else _literal(one) for one in given)


def _literal(value: JsonObject) -> str:
    found = value["value"]
    if not value.get("isLiteral", True) and isinstance(found, str):
        return found[2:-1] if found.startswith("${") and found.endswith("}") else found
    if isinstance(found, (bool, int)):
        return groovy.written(found)
    return groovy.quoted(str(found))
