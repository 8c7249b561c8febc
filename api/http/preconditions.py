"""What a write asks of what is there: that nobody has changed it since, or that there is none yet (RFC 9110, 13)."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, HTTPException

IfMatch = Annotated[
    str | None,
    Header(max_length=1_000, description="`ETag` of what is to be changed: 412 where somebody has changed it since"),
]
IfNoneMatch = Annotated[
    str | None, Header(max_length=1_000, description="`*`: 412 where there is one of that name already")
]


@dataclass(frozen=True)
class Precondition:
    """What was said; nothing lets every write through."""

    if_match: str | None
    if_none_match: str | None

    def check(self, what: str, version: int | None) -> None:
        """Raise 412 where it does not hold of the version that is there, None for none."""
        if self.if_none_match is not None and version is not None and named(self.if_none_match, version):
            raise HTTPException(412, f"There is {what} already: leave If-None-Match out to change it.")
        if self.if_match is None:
            return
        if version is None:
            raise HTTPException(412, f"There is no {what} any more: leave If-Match out to make it.")
        if not named(self.if_match, version):
            raise HTTPException(412, f"{what} has changed since: it is at version {version}. Read it anew.")


def etag_of(version: int) -> str:
    """Of what is the same as long as its version is."""
    return f'"{version}"'


def named(header: str, version: int) -> bool:
    """Whether the header names the version, or `*`."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag_of(version) in tags


async def _precondition(if_match: IfMatch = None, if_none_match: IfNoneMatch = None) -> Precondition:
    return Precondition(if_match, if_none_match)


async def _if_match(if_match: IfMatch = None) -> Precondition:
    return Precondition(if_match, None)


PreconditionDep = Annotated[Precondition, Depends(_precondition)]
#: Of what can only be done to what is there.
IfMatchDep = Annotated[Precondition, Depends(_if_match)]
