"""A headless Chromium, driven over the pipe of its DevTools: no package, no port, no network."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe"
).split()
PATH = shutil.which("chromium")
HANDS_OVER = 'exec "$@" 3<&"$TO" 4>&"$FROM"'
"""A shell gives the ends of the two pipes the numbers at which Chromium looks for them."""


class Browser:
    """One page of a Chromium that lives as long as the `with` block.

    Args:
        profile: an empty folder.
    """

    def __init__(self, profile: Path) -> None:
        assert PATH is not None
        ends = [*os.pipe(), *os.pipe()]
        to, self.to, self.from_, from_ = (fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in ends)
        for end in ends:
            os.close(end)
        command = ["bash", "-c", HANDS_OVER, "bash", PATH, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {**os.environ, "TO": str(to), "FROM": str(from_)}
        self.process = subprocess.Popen(command, pass_fds=(to, from_), env=environment, **quiet)  # type: ignore[call-overload]
        os.close(to)
        os.close(from_)
        self.answers = os.fdopen(self.from_, "rb", buffering=0)
        self.rest, self.number, self.session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        (page,) = (one for one in self("Target.getTargets")["targetInfos"] if one["type"] == "page")
        self.session = self("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.wait()
        self.answers.close()
        os.close(self.to)

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give a command of the DevTools protocol, and wait for its answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self.number:
            self.events.append(answer)
        assert "result" in answer, answer
        return dict(answer["result"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            part = self.answers.read(1 << 16)
            assert part, "Chromium has ended"
            self.rest += part
        message, _, self.rest = self.rest.partition(b"\0")
        return dict(json.loads(message))

    def open(self, path: Path, width: int, dark: bool = False, script: bool = True) -> None:
        """Show a file, and wait until it is loaded."""
        self("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self("Emulation.setEmulatedMedia", features=[scheme])
        self("Emulation.setScriptExecutionDisabled", value=not script)
        self.events.clear()
        self("Page.navigate", url=path.resolve().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def value(self, expression: str) -> Any:
        """What JavaScript makes of an expression in the page."""
        found = self("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def requests(self) -> list[str]:
        """Addresses that the page asked for since it was opened, but those that hold what they name."""
        sent = (event["params"]["request"]["url"] for event in self.events if event["method"] == NETWORK)
        return [url for url in sent if not url.startswith("data:")]

    def complaints(self) -> list[dict[str, Any]]:
        """What the browser says is wrong: a breach of the page's own policy, an error of its script."""
        return [event for event in self.events if event["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")]

    def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        found = self("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(b64decode(found["data"]))


NETWORK = "Network.requestWillBeSent"
