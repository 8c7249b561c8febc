"""What a push is answered."""

from pydantic import BaseModel, Field

from api.http.problems import Problem


class Rejection(BaseModel):
    """An item of a push that is not accepted."""

    index: int = Field(description="its place in what was pushed, from 0; blank lines do not count")
    reason: str = Field(description="undecodable, invalid, naive_time, future_time or too_old", examples=["invalid"])
    detail: str = Field(examples=["Expected `float` <= 400.0 - at `$.speed_kmh`"])


class Pushed(BaseModel):
    """What became of a push: what is accepted is in Kafka."""

    accepted: int = Field(examples=[2])
    rejected: list[Rejection]


class PushProblem(Problem):
    """Nothing of a push is accepted."""

    rejected: list[Rejection]
