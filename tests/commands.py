"""Commands of ``dfc`` one after another in one process, as ``commands.py COMMANDS``: a JSON file of their arguments."""

import json
import sys
from pathlib import Path

from lightning_app.__main__ import main


def run(arguments: list[str]) -> int:
    sys.argv = ["dfc", *arguments]
    try:
        return main()
    except SystemExit as ended:
        return int(ended.code or 0)


if __name__ == "__main__":
    for arguments in json.loads(Path(sys.argv[1]).read_text()):
        status = run(arguments)
        if status:
            sys.exit(f"dfc {' '.join(arguments)}: status {status}")
