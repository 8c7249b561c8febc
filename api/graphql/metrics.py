"""What GraphQL counts."""

from typing import Final

from prometheus_client import Counter, Histogram

OPERATIONS: Final = Counter(
    "urbanclear_api_graphql_operations_total", "GraphQL operations, by outcome: ok, invalid, failed", ["outcome"]
)
COST: Final = Histogram(
    "urbanclear_api_graphql_cost_rows",
    "Rows that a GraphQL operation may return, by what it asks",
    buckets=(1, 10, 100, 1_000, 5_000, 10_000, 50_000, 100_000, 1_000_000),
)
