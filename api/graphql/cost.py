"""How many rows a query may return, before it is run: each list multiplies what is asked of its items.

cost(field)  = rows × (1 + cost of what is asked of each)     rows: 1 for what is no list
cost(query)  = sum over its fields
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
)
from graphql.language import IntValueNode, OperationDefinitionNode, SelectionSetNode, VariableNode
from strawberry.extensions import SchemaExtension

from api.graphql import metrics
from api.graphql.types import HORIZONS, LAST_DEFAULT, MOST_LISTED, SENSORS_DEFAULT

#: Of each list, the argument that bounds it, and how long it may be where that is not said.
LISTS: Final[dict[str, tuple[str, int]]] = {
    "sensors": ("first", SENSORS_DEFAULT),
    "readings": ("last", LAST_DEFAULT),
    "travelTimes": ("last", LAST_DEFAULT),
    "predictions": ("limit", HORIZONS),
    "incidents": ("limit", LAST_DEFAULT),
    "traffic": ("limit", MOST_LISTED),
    "bottlenecks": ("limit", LAST_DEFAULT),
    "weather": ("limit", LAST_DEFAULT),
    "corridors": ("limit", LAST_DEFAULT),
}
DEEPEST: Final = 50
"""Beyond it nothing is counted: a limit of its own refuses the query."""


def cost_of(document: DocumentNode, variables: Mapping[str, Any]) -> int:
    """The rows that the operations of a document may return; fragments may refer to themselves."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return sum(_of_selection(node.selection_set, fragments, variables, ()) for node in operations)


Path = tuple[str, ...]


def _of_selection(
    selected: SelectionSetNode | None,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
    path: Path,
) -> int:
    total = 0
    for field, inside in _fields(selected, fragments, path):
        if field.selection_set is not None and not field.name.value.startswith("__") and len(inside) < DEEPEST:
            total += _rows(field, variables) * (1 + _of_selection(field.selection_set, fragments, variables, inside))
    return total


def _fields(
    selected: SelectionSetNode | None, fragments: Mapping[str, FragmentDefinitionNode], path: Path
) -> Iterator[tuple[FieldNode, Path]]:
    """The fields, those of fragments too; a fragment within itself is left out."""
    for node in selected.selections if selected else ():
        if isinstance(node, FieldNode):
            yield node, (*path, "")
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set, fragments, path)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in path:
            fragment = fragments.get(node.name.value)
            yield from _fields(fragment.selection_set if fragment else None, fragments, (*path, node.name.value))


def _rows(field: FieldNode, variables: Mapping[str, Any]) -> int:
    bound, rows = LISTS.get(field.name.value, ("", 1))
    for argument in field.arguments or ():
        if argument.name.value == bound:
            value = argument.value
            said = variables.get(value.name.value) if isinstance(value, VariableNode) else None
            said = int(value.value[:12]) if isinstance(value, IntValueNode) else said
            rows = said if isinstance(said, int) else rows
    return max(1, rows)


class CostLimit(SchemaExtension):
    """Refuses what costs more than `budget`."""

    def __init__(self, budget: int) -> None:
        self._budget = budget

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        assert context.graphql_document is not None  # noqa: S101
        cost = cost_of(context.graphql_document, context.variables or {})
        metrics.COST.observe(cost)
        if cost > self._budget:
            said = f"the query may return {cost:,} rows, {self._budget:,} are allowed: ask for fewer, or in pages"
            context.pre_execution_errors = [GraphQLError(said, extensions={"code": "TOO_COSTLY"})]
        yield
