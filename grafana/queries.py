"""What panels ask: SQL of the files in `grafana/sql/`, or PromQL."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from grafana_foundation_sdk.builders.prometheus import Dataquery as PromqlBuilder
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import AnnotationTarget

from grafana.names import POSTGRES, PROMETHEUS

TIME_SERIES: Final = "time_series"
TABLE: Final = "table"


@dataclass(frozen=True)
class SqlQuery(Dataquery):
    """A query of Grafana's PostgreSQL data source, which the SDK has no builder for."""

    sql: str
    format: str
    ref_id: str = "A"

    def to_json(self) -> dict[str, object]:
        """As panels keep it."""
        return {
            "refId": self.ref_id,
            "datasource": POSTGRES,
            "editorMode": "code",
            "format": self.format,
            "rawQuery": True,
            "rawSql": self.sql,
        }


@dataclass(frozen=True)
class Sql(Builder[Dataquery]):
    """The query in `grafana/sql/<name>.sql`.

    As time series it has `time`, numbers, and a text that names each series; as a table (`table=True`) any columns.
    """

    name: str
    table: bool = False
    ref_id: str = "A"

    def build(self) -> Dataquery:
        """Raises FileNotFoundError where there is no such file."""
        return SqlQuery(sql_of(self.name), TABLE if self.table else TIME_SERIES, self.ref_id)


@dataclass(frozen=True)
class _AnnotationSql(AnnotationTarget):
    """What an annotation asks; the SDK knows only Grafana's own tags."""

    query: SqlQuery

    def to_json(self) -> dict[str, object]:
        return self.query.to_json()


@dataclass(frozen=True)
class AnnotationSql(Builder[AnnotationTarget]):
    """The query in `grafana/sql/<name>.sql`, which has `time`, `timeEnd`, `title`, `text` and `tags`."""

    name: str

    def build(self) -> AnnotationTarget:
        """Raises FileNotFoundError where there is no such file."""
        return _AnnotationSql(SqlQuery(sql_of(self.name), TABLE))


def sql_of(name: str) -> str:
    """The text of `grafana/sql/<name>.sql`; `name` is `<dashboard>/<panel>`."""
    return files("grafana").joinpath("sql", f"{name}.sql").read_text().strip()


def promql(expression: str, legend: str = "", ref_id: str = "A") -> PromqlBuilder:
    """A query of Prometheus over the time shown."""
    return PromqlBuilder().expr(expression).legend_format(legend).range().ref_id(ref_id).datasource(PROMETHEUS)


def instant(expression: str, ref_id: str = "A") -> PromqlBuilder:
    """A query of Prometheus as of now."""
    return PromqlBuilder().expr(expression).instant().ref_id(ref_id).datasource(PROMETHEUS)
