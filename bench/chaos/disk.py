"""A disk of its own for a server's data: a small file system in memory that can be filled to the last byte."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MIB: Final = 1024 * 1024
STEPS: Final = (64 * MIB, MIB, 4096)


class Disk:
    """A file system of `size` bytes at `folder`; `mounted` says whether this machine allows one."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self._size = size
        self._ballast = folder / "ballast"
        self.mounted = False

    def mount(self) -> None:
        """Mount it, where the user and the machine may; otherwise the folder is an ordinary one."""
        self.folder.mkdir()
        self.folder.chmod(0o755)
        if os.geteuid() != 0:
            return
        command = ["mount", "-t", "tmpfs", "-o", f"size={self._size},mode=755", "urbanclear-chaos", str(self.folder)]
        self.mounted = subprocess.run(command, capture_output=True).returncode == 0

    def unmount(self) -> None:
        """Give it back, with whatever is in it."""
        if self.mounted:
            subprocess.run(["umount", "--lazy", self.folder], check=True)
            self.mounted = False

    @contextmanager
    def full(self) -> Iterator[None]:
        """Full by a file of ballast until writes fail; emptied on leaving."""
        try:
            self._fill()
            yield
        finally:
            self._ballast.unlink(missing_ok=True)

    def _fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file:
            at = 0
            for step in STEPS:
                while _allocated(file.fileno(), at, step):
                    at += step


def _allocated(file: int, at: int, size: int) -> bool:
    """Whether there was room."""
    try:
        os.posix_fallocate(file, at, size)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
    return True
