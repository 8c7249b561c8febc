"""An HTTP/1.1 client that costs little, so that it is the server that is measured."""

import asyncio
from urllib.parse import urlsplit


class Connection:
    """Kept open, for one request at a time; `get` raises `RuntimeError` for any answer but 200."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader, self._writer, self._host = reader, writer, host

    async def get(self, path: str) -> int:
        """Ask for `path` as a browser would, compressed; how many bytes the body has."""
        asked = f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nAccept: */*\r\nAccept-Encoding: zstd, gzip\r\n\r\n"
        self._writer.write(asked.encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        if status.split()[1] != "200":
            raise RuntimeError(f"{path} was answered with {status}")
        headers = dict(line.lower().split(": ", 1) for line in lines if line)
        if "content-length" in headers:
            return len(await self._reader.readexactly(int(headers["content-length"])))
        return await self._chunks()

    async def _chunks(self) -> int:
        total = 0
        while True:
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            await self._reader.readexactly(size + 2)
            total += size
            if size == 0:
                return total

    def close(self) -> None:
        self._writer.close()


async def connect(url: str) -> Connection:
    """A connection to the server of `url`."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 22)
    return Connection(reader, writer, parts.netloc)
