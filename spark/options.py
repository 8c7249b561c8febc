"""The options that commands have in common: which span, whose readings, on which Spark, for whom."""

from typing import Annotated, Literal

import typer

#: Of files of speeds, as `spark.forecast.formats` reads them.
SpeedFormat = Literal["metr-la", "nyc-dot", "pems"]

From = Annotated[str | None, typer.Option("--from", help="first time, RFC 3339; by default --days before the last")]
To = Annotated[
    str | None, typer.Option("--to", help="time just after the last; by default that of the newest reading")
]
Days = Annotated[float, typer.Option(help="how far back, where --from is not said", min=0.05)]
Source = Annotated[
    str, typer.Option(help="of the readings: database, kafka, or the path of CSV or Parquet files", metavar="SOURCE")
]
Master = Annotated[
    str | None,
    typer.Option(help="local[*], spark://… or k8s://…; else that of URBANCLEAR_SPARK_MASTER", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]
