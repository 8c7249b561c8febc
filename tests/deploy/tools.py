"""Linters that are installed beside pytest."""

import subprocess
import sys
from pathlib import Path


def complaints(tool: str, *arguments: str | Path) -> str:
    """What `tool` says of what is wrong; empty when it is content."""
    command = [str(Path(sys.executable).with_name(tool)), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr or f"{tool} ended with {done.returncode}"
