"""``python -m benchmarks [NAME ...]``: run benchmarks, each in a process of its own, and keep what they found."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.rows import Row, as_json, as_markdown
from benchmarks.suite import NAMES, run_one


def main() -> None:
    """Run them, print the table, and write it with all figures to a folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all, if none is given")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="real pictures, weights and tiles")
    parser.add_argument("--output", type=Path, default=Path("runs/bench"), help="folder of bench.json and bench.md")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as process:
        for name in options.names or NAMES:
            start = time.perf_counter()
            found = process.submit(run_one, name, options.shared, options.output).result()
            rows += found
            print(f"{name}, in {time.perf_counter() - start:.0f} s", flush=True)  # noqa: T201
            for row in found:
                print(f"  {row.what}: {row.ratio:.2f}", flush=True)  # noqa: T201
    _write(rows, options.output)


def _write(rows: list[Row], folder: Path) -> None:
    (folder / "bench.json").write_text(json.dumps(as_json(rows), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = as_markdown(rows)
    (folder / "bench.md").write_text(text, encoding="utf-8")
    print(text)  # noqa: T201


if __name__ == "__main__":
    main()
