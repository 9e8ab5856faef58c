"""Forbids a Python process to leave this machine, and writes down each try in the file that FORBIDDEN names.

Python imports this at its start where PYTHONPATH has the folder, in worker processes too. It does not see what native
code does, such as W&B's service.
"""

import os
import sys
from pathlib import Path
from typing import Any

BY_ADDRESS = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg")
BY_NAME = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")


def host_of(event: str, arguments: tuple[Any, ...]) -> str | None:
    """The host that a process asks for; None where it asks for none, or for a path of this machine."""
    if event in BY_NAME:
        return arguments[0] and str(arguments[0])
    address = arguments[1] if event in BY_ADDRESS else None
    return address[0] if isinstance(address, tuple) and isinstance(address[0], str) else None


def forbid(event: str, arguments: tuple[Any, ...]) -> None:
    host = host_of(event, arguments)
    if host is None or host in ("localhost", "::1") or host.startswith("127."):
        return
    with Path(os.environ["FORBIDDEN"]).open("a") as file:
        file.write(f"{event} {host} by {sys.argv}\n")
    raise PermissionError(f"{event} {host}: this process may not leave the machine")


if "FORBIDDEN" in os.environ:  # not where pytest looks for doctests
    sys.addaudithook(forbid)
