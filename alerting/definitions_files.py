"""Rules, contacts and the policy as files of YAML: read with all that is wrong with them, each with file and line.

A file has `rules:`, `contacts:` and `policy:`, any of them. YAML is taken as in its version 1.2, where `22:00` is a
text and `off` no truth value, and a name that is there twice is refused.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from alerting.templates.filling import problem_of
from schema.alerting.definitions import MODELS, POLICY, Kind
from schema.alerting.routing import Policy
from schema.alerting.words import Definition

LARGEST: Final = 1_000_000  # bytes
_SECTIONS: Final[dict[str, Kind]] = {"rules": "rule", "contacts": "contact"}
_ENDINGS: Final = (".yaml", ".yml")


@dataclass(frozen=True)
class Written:
    """A definition and where it is written: `rules.yaml, line 12`."""

    kind: Kind
    name: str
    definition: Definition
    place: str


class _Loader(yaml.SafeLoader):
    """YAML's core schema."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"null|Null|NULL|~|", "nN~\0"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), ["" if one == "\0" else one for one in _first]
    )


class _Dumper(yaml.SafeDumper):
    """Puts in quotes what the loader would not take for a text."""


_Dumper.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def policy_text(policy: Policy) -> str:
    """The policy as a file that `read_files` reads."""
    document = {POLICY: policy.document()}
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


def files_of(paths: Iterable[Path]) -> Iterator[Path]:
    """The files that are named, and those of folders that are, in the order of their names."""
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.iterdir() if file.suffix in _ENDINGS)
        else:
            yield path


def read_files(paths: Iterable[Path]) -> tuple[list[Written], list[str]]:
    """All definitions, and all that is wrong, each with its place."""
    found: dict[tuple[Kind, str], Written] = {}
    problems: list[str] = []
    for file in files_of(paths):
        for one in _read(file, problems):
            before = found.setdefault((one.kind, one.name), one)
            if before is not one:
                problems.append(f"{one.place}: the {one.kind} {one.name} is in {before.place} as well")
    return list(found.values()), problems


def _read(file: Path, problems: list[str]) -> Iterator[Written]:
    try:
        if file.stat().st_size > LARGEST:
            raise ValueError(f"it is larger than {LARGEST:,} bytes")
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, ValueError) as error:
        problems.append(f"{file}: cannot be read: {error}")
        return
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problems.append(f"{file.name}, line {line}: {error.problem or error.context}")
        return
    if root is not None:
        yield from _sections(file.name, root, problems)


def _sections(file: str, root: yaml.Node, problems: list[str]) -> Iterator[Written]:
    if not isinstance(root, yaml.MappingNode):
        problems.append(f"{file}, line 1: begin with `rules:`, `contacts:` or `policy:`")
        return
    problems.extend(f"{file}, line {line}: {name} is there twice" for name, line in _twice(root))
    for key, value in root.value:
        if key.value == POLICY:
            yield from _definition("policy", value, file, problems)
        elif key.value in _SECTIONS and isinstance(value, yaml.SequenceNode):
            for item in value.value:
                yield from _definition(_SECTIONS[key.value], item, file, problems)
        elif key.value in _SECTIONS:
            problems.append(f"{file}, line {_line(key)}: {key.value} is a list: begin each with `- name:`")
        else:
            problems.append(f"{file}, line {_line(key)}: {key.value}: say `rules`, `contacts` or `policy`")


def _definition(kind: Kind, node: yaml.Node, file: str, problems: list[str]) -> Iterator[Written]:
    if kind == "rule":
        problems.extend(_unfilled(node, file))
    try:
        document = _Loader("").construct_document(node)
        definition = MODELS[kind].model_validate(document)
    except yaml.MarkedYAMLError as error:
        problems.append(f"{file}, line {_line(node)}: {error.problem or error.context}")
        return
    except ValidationError as error:
        problems.extend(_said(error, node, file))
        return
    name = POLICY if kind == POLICY else str(definition.name)  # type: ignore[attr-defined]
    yield Written(kind, name, definition, f"{file}, line {_line(node)}")


def _unfilled(rule: yaml.Node, file: str) -> Iterator[str]:
    """What is wrong with the texts of a rule that are filled in, whatever else is wrong with it."""
    for name in ("title", "description"):
        text = _child(rule, name)
        if isinstance(text, yaml.ScalarNode) and (problem := problem_of(text.value)):
            yield f"{file}, line {_line(text)}: {'.'.join(filter(None, (_name(rule), name)))}: {problem}"


def _said(error: ValidationError, node: yaml.Node, file: str) -> Iterator[str]:
    for problem in error.errors():
        place, known = _found(node, problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        name = _name(node)
        where = ".".join(part for part in (name, *known) if part)
        yield (
            f"{file}, line {_line(place)}: {where}: {message}" if where else f"{file}, line {_line(place)}: {message}"
        )


def _found(node: yaml.Node, path: Iterable[Any]) -> tuple[yaml.Node, list[str]]:
    """The node that a problem is about, or the nearest around it; kinds of condition are no part of the file."""
    words = []
    for step in path:
        inner = _child(node, step)
        if inner is not None:
            node = inner
            words.append(str(step))
        elif isinstance(step, str) and not (isinstance(node, yaml.MappingNode) and _kind(node) == step):
            words.append(step)
    return node, words


def _child(node: yaml.Node, step: Any) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None


def _kind(node: yaml.MappingNode) -> str | None:
    kind = _child(node, "kind")
    return str(kind.value) if isinstance(kind, yaml.ScalarNode) else None


def _name(node: yaml.Node) -> str:
    name = _child(node, "name")
    return str(name.value) if isinstance(name, yaml.ScalarNode) else ""


def _twice(node: yaml.Node) -> Iterator[tuple[str, int]]:
    """Names that a mapping has twice, at any depth."""
    children: Iterable[yaml.Node] = ()
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    yield str(key.value), _line(key)
                seen.add(key.value)
        children = (value for _, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    for child in children:
        yield from _twice(child)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
