"""The part of Jinja that titles and descriptions of rules may use: nothing in it runs or grows for ever.

There are no calls, assignments, macros or loops in loops; a filter or an operator that could make a long text of a
short one looks at the length first. Whoever may write a rule can therefore not stop the process that fills it in.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Set
from datetime import datetime
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import ChainableUndefined, Template, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST: Final = 10_000  # characters, of what any step makes
_ELEMENTS: Final = 10_000  # of a list that is gone through

_ALLOWED: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.List, nodes.Tuple,
    nodes.Getattr, nodes.Getitem, nodes.If, nodes.CondExpr, nodes.For, nodes.Filter, nodes.Test, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div,
    nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos, nodes.Keyword, nodes.Slice,
)  # fmt: skip
_FILTERS: Final = (
    "abs", "capitalize", "count", "d", "default", "e", "escape", "first", "float", "int", "last", "length", "list",
    "lower", "max", "min", "reverse", "sort", "string", "sum", "title", "trim", "truncate", "unique",
    "upper",
)  # fmt: skip
_TESTS: Final = (
    "boolean", "defined", "divisibleby", "eq", "equalto", "even", "false", "float", "ge", "greaterthan", "gt", "in",
    "integer", "iterable", "le", "lessthan", "lower", "lt", "mapping", "ne", "none", "number", "odd", "sequence",
    "string", "true", "undefined", "upper", "==", "!=", "<", "<=", ">", ">=",
)  # fmt: skip
_WIDE: Final = re.compile(r"\d{3}|\*")


class Bounded(ImmutableSandboxedEnvironment):
    """These words alone. Texts may ask for `names`, and for what is in them, be it there or not."""

    intercepted_binops = frozenset(["*", "%", "+"])

    def __init__(self, names: Set[str]) -> None:
        super().__init__(autoescape=False, undefined=ChainableUndefined, finalize=shown, cache_size=0)
        own = {"round": _round, "join": _join, "replace": _replace, "format": _format, "clock": _clock}
        self.filters = {name: _checked(self.filters[name]) for name in _FILTERS} | own
        self.tests = {name: test for name, test in self.tests.items() if name in _TESTS}
        self.globals.clear()
        self._names = names

    def checked(self, text: str) -> Template:
        """Raises `TemplateSyntaxError` for what is no Jinja, more of it than is allowed, or asks for another name."""
        tree = self._allowed(text)
        self._refuse_unknown(tree)
        return self.from_string(tree)

    def compiled(self, text: str) -> Template:
        """As `checked`, but what stands in braces and asks for another name stays as it is written."""
        tree = self._allowed(text)
        if unknown := self._unknown(tree):
            self._keep(tree, self._in_braces(text), unknown)
            self._refuse_unknown(tree)
        return self.from_string(tree)

    def _allowed(self, text: str) -> nodes.Template:
        tree = self.parse(text)
        for node, loops in _walk(tree, 0):
            if type(node) not in _ALLOWED or loops > 1:
                raise TemplateSyntaxError(f"{type(node).__name__} is not allowed here", getattr(node, "lineno", 1))
        return tree

    def _unknown(self, tree: nodes.Template) -> set[str]:
        return find_undeclared_variables(tree) - self._names

    def _refuse_unknown(self, tree: nodes.Template) -> None:
        if unknown := sorted(self._unknown(tree)):
            raise TemplateSyntaxError(f"{unknown[0]} is not known: known are {', '.join(self._names)}", 1)

    def _keep(self, tree: nodes.Template, in_braces: Iterator[str], unknown: set[str]) -> None:
        """Put the source in the place of each expression that asks for one of the names `unknown`."""
        filled = [
            (output, place)
            for output in tree.find_all(nodes.Output)
            for place, node in enumerate(output.nodes)
            if not isinstance(node, nodes.TemplateData)
        ]
        for (output, place), written in zip(filled, in_braces, strict=True):
            asked = nodes.Output([output.nodes[place]]).find_all(nodes.Name)
            if any(name.name in unknown for name in asked):
                output.nodes[place] = nodes.TemplateData(written)

    def _in_braces(self, text: str) -> Iterator[str]:
        """All that is to be filled in, with its braces."""
        written = ""
        for _, kind, part in self.lex(text):
            written = part if kind == "variable_begin" else written + part
            if kind == "variable_end":
                yield written

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """As Jinja does, unless a text, a list or a number would become long."""
        if operator == "+":
            return _short(super().call_binop(context, operator, left, right))
        if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
            raise SecurityError(f"{operator} is for numbers")
        if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > 256:
            raise SecurityError("the number becomes too large")
        return super().call_binop(context, operator, left, right)


def shown(value: object) -> object:
    """Numbers as people say them: 12.3, and 0.47."""
    if type(value) is float:
        return f"{value:.{1 if abs(value) >= 1 else 2}f}".rstrip("0").rstrip(".")
    return value


def rendered(template: Template, context: Mapping[str, object], longest: int) -> str:
    """What `template` says of `context`, cut after `longest` characters."""
    parts: list[str] = []
    length = 0
    for part in template.generate(context):
        parts.append(part)
        length += len(part)
        if length > longest:
            break
    return "".join(parts)[:longest]


def _walk(node: nodes.Node, loops: int) -> Iterator[tuple[nodes.Node, int]]:
    inside = loops + isinstance(node, nodes.For)
    yield node, inside
    for child in node.iter_child_nodes():
        yield from _walk(child, inside)


def _short(value: Any) -> Any:
    if isinstance(value, (str, list, tuple)) and len(value) > LONGEST:
        raise SecurityError(f"it becomes longer than {LONGEST}")
    return value


def _checked(filter_: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*arguments: Any, **named: Any) -> Any:
        return _short(filter_(*arguments, **named))

    if (mark := getattr(filter_, "jinja_pass_arg", None)) is not None:  # whether it is given the environment
        checked.jinja_pass_arg = mark  # type: ignore[attr-defined]
    return checked


class _Rounded(float):
    """A number that is shown with as many digits as somebody asked for."""

    digits: int

    def __str__(self) -> str:
        return f"{float(self):.{self.digits}f}"


def _round(value: Any, digits: int = 0) -> _Rounded:
    rounded = _Rounded(round(float(value), digits))
    rounded.digits = min(max(digits, 0), 9)
    return rounded


def _join(value: Any, separator: str = "") -> str:
    parts = [str(part) for part in islice(value, _ELEMENTS)]
    if sum(map(len, parts)) + len(separator) * len(parts) > LONGEST:
        raise SecurityError(f"joined it is longer than {LONGEST}")
    return str(separator).join(parts)


def _replace(value: Any, old: str, new: str) -> str:
    text, old, new = str(value), str(old), str(new)
    if len(text) + text.count(old) * len(new) > LONGEST:
        raise SecurityError(f"it becomes longer than {LONGEST}")
    return text.replace(old, new)


def _format(pattern: Any, *values: Any) -> str:
    if _WIDE.search(str(pattern)):
        raise SecurityError("it becomes too wide")
    return str(pattern) % values


def _clock(value: Any, zone: str = "UTC", pattern: str = "%H:%M") -> str:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if _WIDE.search(pattern):
        raise SecurityError("it becomes too wide")
    return str(moment.astimezone(ZoneInfo(zone)).strftime(pattern))
