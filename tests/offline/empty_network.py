"""``empty_network.py COUNTS COMMAND...``: a command in a network namespace that is new, so that only loopback is there.

It writes to the file COUNTS, as JSON, how often the kernel was asked for a way out of the machine, by whatever code.
"""

import fcntl
import json
import socket
import struct
import subprocess
import sys
from pathlib import Path

SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def set_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_:
        fcntl.ioctl(any_, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


def ways_out() -> dict[str, int]:
    """Packets that had no route, and datagrams to a port that nobody has: questions to a resolver on this machine."""
    counted = dict(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines()]
    for titles, numbers in zip(lines[::2], lines[1::2], strict=True):
        protocol = titles[0].removesuffix(":")
        counted |= {protocol + title: number for title, number in zip(titles[1:], numbers[1:], strict=True)}
    return {name: int(counted[name]) for name in ("IpOutNoRoutes", "UdpNoPorts", "Ip6OutNoRoutes", "Udp6NoPorts")}


if __name__ == "__main__":
    set_loopback_up()
    status = subprocess.run(sys.argv[2:], check=False).returncode
    Path(sys.argv[1]).write_text(json.dumps(ways_out()))
    sys.exit(status)
