"""What a query would take, before it is run: how deep it goes, how much it names, how many rows it may return.

cost(field)  = rows × (1 + cost of what is asked of each)     rows: 1 for what is no list
cost(query)  = sum over its fields

Each fragment is weighed once, so that a short text of fragments that spread each other twice is no work, however much
it stands for. It is weighed before it is validated, which takes long where it is large.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    get_variable_values,
)
from graphql.language import IntValueNode, OperationDefinitionNode, SelectionSetNode, VariableNode
from strawberry.extensions import SchemaExtension

from api.graphql import metrics
from api.graphql.types import CLUSTERS_DEFAULT, HORIZONS, LAST_DEFAULT, MOST_LISTED, PATTERN_ROWS, SENSORS_DEFAULT

#: Of each list, the argument that bounds it, if any, and how long it may be where that is not said.
LISTS: Final[dict[str, tuple[str, int]]] = {
    "sensors": ("first", SENSORS_DEFAULT),
    "readings": ("last", LAST_DEFAULT),
    "pattern": ("", PATTERN_ROWS),
    "travelTimes": ("last", LAST_DEFAULT),
    "predictions": ("limit", HORIZONS),
    "incidents": ("limit", LAST_DEFAULT),
    "traffic": ("limit", MOST_LISTED),
    "bottlenecks": ("limit", LAST_DEFAULT),
    "weather": ("limit", LAST_DEFAULT),
    "corridors": ("limit", LAST_DEFAULT),
    "anomalies": ("limit", LAST_DEFAULT),
    "clusters": ("limit", CLUSTERS_DEFAULT),
    "insights": ("limit", LAST_DEFAULT),
    "alerts": ("limit", LAST_DEFAULT),
}
DEEPEST: Final = 8
MOST_ALIASES: Final = 50
MOST_FIELDS: Final = 500
#: Beyond, nothing is weighed: no query that could be answered is nested so, fragments and all.
MOST_NESTED: Final = 64
#: That every reader of JSON takes exactly.
LARGEST: Final = 2**53
_ENDLESS: Final = re.compile(r"[0-9]{1000}")  # Python refuses to convert numbers of more digits than some thousands


class NestedTooDeeply(Exception):
    """The text is nested beyond what is weighed."""


@dataclass(frozen=True)
class Weight:
    """Depth in fields that lead to others; aliases and fields as fragments unfold; rows that may be returned."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    rows: int = 0

    def beside(self, other: "Weight") -> "Weight":
        """Both together."""
        return Weight(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.fields + other.fields,
            self.rows + other.rows,
        )


class Scales:
    """For the parts of one document; `variables` are those of the operation, with their defaults."""

    def __init__(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._weighed: dict[str, Weight] = {}

    def weigh(self, selected: SelectionSetNode | None, nested: int = 0) -> Weight:
        """What is selected; raises `NestedTooDeeply`."""
        if nested > MOST_NESTED:
            raise NestedTooDeeply
        total = Weight()
        for node in selected.selections if selected else ():
            if isinstance(node, FieldNode):
                total = total.beside(self._field(node, nested + 1))
            elif isinstance(node, FragmentSpreadNode):
                total = total.beside(self._spread(node.name.value, nested + 1))
            elif isinstance(node, InlineFragmentNode):
                total = total.beside(self.weigh(node.selection_set, nested + 1))
        return total

    def _field(self, node: FieldNode, nested: int) -> Weight:
        inside = self.weigh(node.selection_set, nested)
        aliases, fields = inside.aliases + (node.alias is not None), inside.fields + 1
        if node.selection_set is None or node.name.value.startswith("__"):  # the schema has a limit of its own
            return Weight(0, aliases, fields, 0)
        return Weight(inside.depth + 1, aliases, fields, _rows(node, self._variables) * (1 + inside.rows))

    def _spread(self, name: str, nested: int) -> Weight:
        fragment = self._fragments.get(name)
        if fragment is not None and name not in self._weighed:
            self._weighed[name] = Weight()  # met again inside itself it is a cycle, which validation refuses
            self._weighed[name] = self.weigh(fragment.selection_set, nested)
        return self._weighed.get(name, Weight())


def _rows(field: FieldNode, variables: Mapping[str, Any]) -> int:
    bound, rows = LISTS.get(field.name.value, ("", 1))
    for argument in field.arguments or ():
        if argument.name.value == bound:
            value = argument.value
            said = variables.get(value.name.value) if isinstance(value, VariableNode) else None
            said = int(value.value[:12]) if isinstance(value, IntValueNode) else said
            rows = said if isinstance(said, int) else rows
    return max(1, rows)


class Limits(SchemaExtension):
    """Refuses what goes too deep, names too much, or costs more than `budget`."""

    def __init__(self, budget: int) -> None:
        self._budget = budget

    def on_validate(self) -> Iterator[None]:
        try:
            refused = self._refused()
        except NestedTooDeeply:
            refused = GraphQLError("the query is nested too deeply: ask for less at once")
        if refused is not None:
            self.execution_context.pre_execution_errors = [refused]
        yield

    def _refused(self) -> GraphQLError | None:
        context = self.execution_context
        document = context.graphql_document
        assert document is not None  # noqa: S101
        if _ENDLESS.search(context.query or ""):
            return GraphQLError("a number has more digits than can be read")
        whole = Weight()
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode):
                whole = whole.beside(Scales(document, self._variables(node)).weigh(node.selection_set))
        metrics.COST.observe(min(whole.rows, LARGEST))
        return self._beyond(whole)

    def _variables(self, operation: OperationDefinitionNode) -> Mapping[str, Any]:
        """As they will be coerced; none where they cannot be, for then nothing is run."""
        context = self.execution_context
        found = get_variable_values(
            context.schema._schema, operation.variable_definitions or (), context.variables or {}
        )
        return {} if isinstance(found, list) else found.coerced

    def _beyond(self, whole: Weight) -> GraphQLError | None:
        for what, amount, most in (
            ("levels of depth", whole.depth, DEEPEST),
            ("aliases", whole.aliases, MOST_ALIASES),
            ("fields", whole.fields, MOST_FIELDS),
        ):
            if amount > most:
                return GraphQLError(
                    f"the query has {_short(amount)} {what}, {most} are allowed: ask for less at once"
                )
        if whole.rows > self._budget:
            said = f"the query may return {_short(whole.rows)} rows, {self._budget:,} are allowed"
            return GraphQLError(f"{said}: ask for fewer, or in pages", extensions={"code": "TOO_COSTLY"})
        return None


def _short(amount: int) -> str:
    return f"{amount:,}" if amount <= LARGEST else f"more than {LARGEST:,}"
