"""``python -m experiments.compatibility FOLDER``: judge every ``.cfg`` below a folder, and write a page and a table."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.progress import track

from experiments.compatibility.page import page
from experiments.compatibility.survey import Judged, survey
from lightning_app.files import written_whole
from lightning_app.records.rows import write_rows


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(prog="python -m experiments.compatibility", description=__doc__)
    parser.add_argument("folder", type=Path, help="holds a folder for each repository")
    parser.add_argument(
        "--results", type=Path, default=Path("results/compatibility"), help="for the page and the table"
    )
    options = parser.parse_args()
    rows = list(track(survey(options.folder), "Networks"))
    if not rows:
        parser.error(f"{options.folder} holds no .cfg file with a [net] section: give a folder that does")
    write_rows(options.results / "networks.csv", Judged, rows)
    with written_whole(options.results / "README.md") as file:
        file.write(page(rows).encode())
    print(f"{len(rows)} networks, {sum(not row.reason for row in rows)} built: {options.results}")  # noqa: T201


if __name__ == "__main__":
    main()
