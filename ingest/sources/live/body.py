"""Reads an answer's body as it streams in: no more than it may hold once decompressed, and all of it."""

import zlib
from collections.abc import AsyncIterator
from typing import Final

import httpx

from urbanclear.errors import FeedError

LARGEST_BYTES: Final = 64 * 1024 * 1024
ACCEPTED: Final = "gzip"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


async def read_body(response: httpx.Response, shown: str, largest: int = LARGEST_BYTES) -> bytes:
    """The body; raises `FeedError` when it is too large, cut off, or compressed in a way that was not asked for.

    Decompressed here and not by httpx, which puts no bound on what a chunk may become and takes the first half of a
    gzip stream for the whole.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise FeedError(
            "undecodable", f"{shown} answered in the encoding {encoding[:40]!r}, which was not asked for."
        )
    pieces = response.aiter_raw() if encoding == "identity" else _decompressed(response, shown, largest)
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > largest:
            raise FeedError("too_large", f"{shown} answered with more than {largest:,} bytes.")
    return bytes(body)


async def _decompressed(response: httpx.Response, shown: str, largest: int) -> AsyncIterator[bytes]:
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        async for chunk in response.aiter_raw():
            yield stream.decompress(chunk, largest + 1)
            if stream.unused_data:
                raise FeedError("undecodable", f"{shown} answered with more than one gzip stream.")
    except zlib.error:
        raise FeedError("undecodable", f"{shown} answered with a damaged gzip body.") from None
    if not stream.eof:
        raise FeedError("broken_off", f"{shown} answered with half a gzip body.")
