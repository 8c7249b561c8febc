"""A key as it is asked for, and as it is told once."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from schema.keys import MOST_NAME_CHARACTERS
from schema.scopes import Scope
from urbanclear.settings import Duration


class NewKey(BaseModel):
    """A key that is wanted."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=MOST_NAME_CHARACTERS, description="what it is for", examples=["signs, Main Street"])
    scopes: list[Scope] = Field(min_length=1, description="each implies those before it", examples=[["report"]])
    expires: Duration | None = Field(
        None,
        description="how long it is accepted; for ever where not said",
        examples=["90d"],
        json_schema_extra={"format": "", "pattern": r"^\d{1,9}(\.\d{1,9})?[dhms]$"},
    )


class MadeKey(BaseModel):
    """A key that was made; it is told this once."""

    id: int = Field(description="its number", examples=[3])
    key: str = Field(description="the key itself, which is stored nowhere", examples=["uc_…"])
    name: str
    scopes: list[Scope]
    expires_at: datetime | None = None
