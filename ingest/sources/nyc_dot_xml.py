"""New York's speed feed in its XML form, one `Speed` element a link: read as rows of the feed's other forms.

The elements call a link by its number in the document (`linkId`, the same as `Id`), and by the number that all later
forms have for `LINK_ID` (`Transcom_id`). Rows carry the latter, so that a link is one sensor in all forms.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from urbanclear.errors import SourceError

ELEMENT: Final = "Speed"


def speed_rows(file: BinaryIO, name: str) -> Iterator[dict[str, str]]:
    """The attributes of each link in `file`, in its order and in memory that does not grow with it.

    Raises `SourceError`, which calls the file `name`, where it is no XML; the rows before that place are given.
    """
    try:
        parsing = iterparse(file, events=("start", "end"), forbid_dtd=True)
        _, root = next(parsing)
        for event, element in parsing:
            if event == "end" and element.tag.rpartition("}")[2] == ELEMENT:
                yield _row(dict(element.attrib))
                root.clear()
    except ParseError as error:
        raise SourceError(f"{name} is no whole XML document ({error}); fetch it again.") from error
    except DefusedXmlException as error:
        raise SourceError(f"{name} is refused: its XML declares what no feed needs ({error}).") from error


def _row(attributes: dict[str, str]) -> dict[str, str]:
    """A link's row; `Transcom_id` stays, as it does beside `LINK_ID` in the other forms."""
    transcom_id = attributes.get("Transcom_id", "").strip()
    return {**attributes, "linkId": transcom_id} if transcom_id else attributes
