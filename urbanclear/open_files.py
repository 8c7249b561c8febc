"""How many files and sockets a process may have open: as many as the system lets it."""

import resource


def raise_limit() -> None:
    """Raise the soft limit to the hard one; a server of many clients needs a socket for each."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
