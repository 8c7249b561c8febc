"""What runs under a process."""

import psutil


def descendants(ending: tuple[str, ...]) -> list[psutil.Process]:
    """Processes that this one started, and those of theirs, whose command line ends in `ending`."""
    everyone = psutil.Process().children(recursive=True)
    return [one for one in everyone if _command_line(one)[-len(ending) :] == ending]


def cpu_s(pid: int) -> float | None:
    """Seconds of CPU that a process has taken; none if it has ended."""
    try:
        spent = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return None
    return float(spent.user + spent.system)


def rss_bytes(process: psutil.Process) -> int:
    """Of a process; 0 if it has ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _command_line(process: psutil.Process) -> tuple[str, ...]:
    try:
        return tuple(process.cmdline())
    except psutil.NoSuchProcess:  # it has just ended, or nobody has waited for it yet
        return ()
