"""Lists, page by page."""

from typing import Generic, TypeVar

from pydantic import BaseModel

ItemT = TypeVar("ItemT")


class Items(BaseModel, Generic[ItemT]):
    """A list, in an object so that it can grow."""

    items: list[ItemT]
