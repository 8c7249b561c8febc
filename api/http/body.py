"""A request's body, never longer than is allowed: what is compressed counts by what it becomes."""

import zlib
from typing import Final

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from api.http.bounding import too_long

GZIP: Final = 16 + zlib.MAX_WBITS


class Plain:
    """A body that is sent as it is."""

    def feed(self, chunk: bytes, room: int) -> bytes:
        """What `chunk` becomes; at most one byte more than `room`."""
        return chunk[: room + 1]

    def end(self) -> None:
        """All was fed; raises `HTTPException` where something is missing."""


class Gunzip(Plain):
    """A body of one or more gzip members (RFC 1952)."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(GZIP)

    def feed(self, chunk: bytes, room: int) -> bytes:
        """As `Plain.feed`; no more is decompressed than there is room for."""
        found = bytearray()
        while chunk and len(found) <= room:
            if self._member.eof:
                self._member = zlib.decompressobj(GZIP)
            try:
                found += self._member.decompress(chunk, room + 1 - len(found))
            except zlib.error as error:
                raise HTTPException(400, f"The body is no gzip: {error}.") from None
            chunk = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        return bytes(found)

    def end(self) -> None:
        """As `Plain.end`."""
        if not self._member.eof:
            raise HTTPException(400, "The gzip body ends too early; send it again.")


ENCODINGS: Final[dict[str, type[Plain]]] = {"": Plain, "identity": Plain, "gzip": Gunzip, "x-gzip": Gunzip}


async def read_body(request: Request, most_bytes: int) -> bytes:
    """The body, decompressed where `Content-Encoding` says so.

    Raises `HTTPException`: 413 when it is, or becomes, longer than `most_bytes`; 415 for another encoding; 400 when
    it breaks off.
    """
    decoder = _decoder(request.headers.get("content-encoding", ""))
    if int(request.headers.get("content-length", 0)) > most_bytes:
        raise too_long(most_bytes)
    body, sent = bytearray(), 0
    try:
        async for chunk in request.stream():
            sent += len(chunk)
            body += decoder.feed(chunk, most_bytes - len(body))
            if max(sent, len(body)) > most_bytes:
                raise too_long(most_bytes)
    except ClientDisconnect:
        raise HTTPException(400, "The connection ended within the body; send it again.") from None
    decoder.end()
    return bytes(body)


def _decoder(encoding: str) -> Plain:
    decoder = ENCODINGS.get(encoding.strip().lower())
    if decoder is None:
        detail = f"Content-Encoding {encoding} is not understood: send the body as it is, or as gzip."
        raise HTTPException(415, detail, {"Accept-Encoding": "gzip, identity"})
    return decoder()
