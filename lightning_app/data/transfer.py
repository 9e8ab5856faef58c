"""Bring a large file over HTTP, going on where an earlier connection broke."""

from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from lightning_app.errors import DataError, OptionError

CHUNK = 1 << 20  # bytes
TIMEOUT = 60  # seconds without a byte


def transfer(url: str, file: Path, size: int) -> None:
    """Add to a file what it lacks of the ``size`` bytes at a URL; all of them where the server cannot begin midway.

    Raises:
        DataError: the server cannot be reached, has something else, or breaks off.
        OSError: the file cannot be written.
    """
    there = file.stat().st_size if file.exists() else 0
    if there == size:
        return
    with _connect(url, there if there < size else 0) as response:
        _check_size(url, response, size)
        resumed = response.status == HTTPStatus.PARTIAL_CONTENT
        with file.open("ab" if resumed else "wb", buffering=0) as target, _progress() as progress:
            done = there if resumed else 0
            task = progress.add_task(url.rpartition("/")[2], total=size, completed=done)
            for chunk in _chunks(url, response):
                target.write(chunk)
                done += len(chunk)
                progress.update(task, completed=done)
    if done < size:
        raise DataError(f"{url} broke off after {done:,} of {size:,} bytes: run this again, and it goes on from there")


def _connect(url: str, start: int) -> HTTPResponse:
    if not url.startswith(("http://", "https://")):
        raise OptionError(f"a mirror is the http:// or https:// URL of a folder, not {url}")
    request = Request(url, headers={"Range": f"bytes={start}-"} if start else {})  # noqa: S310
    try:
        return urlopen(request, timeout=TIMEOUT)  # type: ignore[no-any-return]  # noqa: S310
    except HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise DataError(f"{url} has not even {start + 1:,} bytes: give another --mirror") from error
        raise DataError(
            f"{url} cannot be fetched ({error.code} {error.reason}): try later, or give a --mirror"
        ) from error
    except (OSError, HTTPException) as error:
        why = getattr(error, "reason", error)
        raise DataError(f"{url} cannot be reached ({why}): try later, or give a --mirror") from error


def _check_size(url: str, response: HTTPResponse, size: int) -> None:
    """Not after two gigabytes, but before."""
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        stated = (response.headers["Content-Range"] or "").rpartition("/")[2]  # bytes 100-199/200
    else:
        stated = response.headers["Content-Length"] or ""
    if stated.isdigit() and int(stated) != size:
        raise DataError(f"{url} has {int(stated):,} bytes and not the published {size:,}: give another --mirror")


def _chunks(url: str, response: HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            chunk = response.read1(CHUNK)
        except (OSError, HTTPException) as error:
            raise DataError(f"{url} broke off ({error}): run this again, and it goes on from there") from error
        if not chunk:
            return
        yield chunk


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    return Progress(*columns, TimeRemainingColumn())
