"""Fetching archives, from a server on this machine that breaks off, lies and forgets as real ones do."""

import hashlib
import io
import re
import socket
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest

from lightning_app.data import VOCDataModule, VOCDataset, command
from lightning_app.data.download import VOC, Archive, fetch, install, is_there, unpack
from lightning_app.errors import DataError, OptionError

WriteDevkit = Callable[..., Path]
NAME = "VOCtest.tar"


@dataclass
class Server:
    """What the server has, how it fails, and what it was asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    cut: int | None = None  # breaks off after so many bytes
    ranges: bool = True  # can begin midway
    states_length: bool = True
    asked: list[str | None] = field(default_factory=list)  # the Range of each request
    url: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers["Range"]
            state.asked.append(asked)
            body = state.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and state.ranges else 0  # type: ignore[index]
            if start > len(body):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            if state.states_length:
                self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            self.wfile.write(body[start:][: state.cut])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        state.url = f"http://127.0.0.1:{httpd.server_port}"
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        yield state
        httpd.shutdown()


class Published(NamedTuple):
    """An archive, its bytes, and an empty folder to fetch it into."""

    archive: Archive
    body: bytes
    root: Path


@pytest.fixture
def published(server: Server, write_devkit: WriteDevkit, tmp_path: Path) -> Published:
    devkit = write_devkit(5)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(devkit, "VOCdevkit")
    body = buffer.getvalue()
    server.files[f"/{NAME}"] = body
    sets = ("VOC2007/trainval", "VOC2007/test")
    archive = Archive(f"{server.url}/{NAME}", len(body), hashlib.sha256(body).hexdigest(), sets)
    return Published(archive, body, tmp_path / "data")


def test_an_archive_becomes_a_devkit_and_nothing_else_is_left(published: Published, server: Server) -> None:
    archive, _, root = published
    assert not is_there(archive, root)
    assert install(archive, root)
    assert len(VOCDataset(root / "VOCdevkit", ["VOC2007/test"], (64, 64))[4]["target"]["boxes"]) == 2
    assert [path.name for path in root.iterdir()] == ["VOCdevkit"]
    assert not install(archive, root)
    assert server.asked == [None]


def test_a_download_that_broke_goes_on_where_it_stopped(published: Published, server: Server) -> None:
    archive, body, root = published
    server.cut = 20_000
    with pytest.raises(DataError, match=rf"broke off after 20,000 of {len(body):,} bytes: run this again"):
        install(archive, root)
    assert (root / f"{NAME}.part").read_bytes() == body[:20_000]
    assert not (root / NAME).exists()
    with pytest.raises(DataError, match="broke off after 40,000 of"):
        install(archive, root)
    server.cut = None
    assert install(archive, root)
    assert server.asked == [None, "bytes=20000-", "bytes=40000-"]


def test_a_server_that_cannot_begin_midway_is_asked_for_everything_again(published: Published, server: Server) -> None:
    archive, body, root = published
    server.cut, server.ranges = 20_000, False
    with pytest.raises(DataError, match="broke off after 20,000 of"):
        fetch(archive, root)
    server.cut = None
    assert fetch(archive, root).read_bytes() == body
    assert server.asked == [None, "bytes=20000-"]


def test_a_server_that_does_not_say_how_much_it_has_is_believed_and_checked(
    published: Published, server: Server
) -> None:
    archive, body, root = published
    server.states_length, server.cut = False, 20_000
    with pytest.raises(DataError, match="broke off after 20,000 of"):
        fetch(archive, root)
    server.cut = None
    assert fetch(archive, root).read_bytes() == body


def test_a_connection_that_is_reset_is_an_error_that_says_to_go_on(published: Published) -> None:
    archive, body, root = published
    part = root / f"{NAME}.part"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reset() -> None:
            connection, _ = listener.accept()
            connection.recv(4096)
            connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:5000])
            while not part.exists() or part.stat().st_size < 5000:
                time.sleep(0.01)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close by a reset
            connection.close()

        threading.Thread(target=reset, daemon=True).start()
        with pytest.raises(DataError, match=r"broke off \(.* reset .*\): run this again, and it goes on"):
            fetch(archive, root, f"http://127.0.0.1:{listener.getsockname()[1]}")
    assert part.read_bytes() == body[:5000]
    assert not (root / NAME).exists()


def test_other_bytes_than_the_published_are_refused_and_removed(published: Published, server: Server) -> None:
    archive, body, root = published
    server.files[f"/{NAME}"] = body[:-1] + b"x"
    with pytest.raises(DataError, match=f"and not the published {archive.sha256}: try again, or give a --mirror"):
        install(archive, root)
    assert list(root.iterdir()) == []


def test_an_archive_that_is_there_is_checked_and_left_alone_where_it_is_another(published: Published) -> None:
    archive, body, root = published
    root.mkdir()
    (root / NAME).write_bytes(body[:-1] + b"x")
    with pytest.raises(DataError, match=f"{NAME} has the SHA-256 .* and not the published {archive.sha256}"):
        install(archive, root)
    assert [path.name for path in root.iterdir()] == [NAME]


def test_another_length_than_the_published_is_refused_before_it_is_fetched(
    published: Published, server: Server
) -> None:
    archive, body, root = published
    server.files[f"/{NAME}"] = body + b"x"
    with pytest.raises(DataError, match=rf"has {len(body) + 1:,} bytes and not the published {len(body):,}"):
        fetch(archive, root)
    root.mkdir(exist_ok=True)
    (root / f"{NAME}.part").write_bytes(body[:100])
    with pytest.raises(DataError, match=rf"has {len(body) + 1:,} bytes and not the published {len(body):,}"):
        fetch(archive, root)
    server.files[f"/{NAME}"] = body[:50]
    with pytest.raises(DataError, match="has not even 101 bytes: give another --mirror"):
        fetch(archive, root)


def test_a_part_that_is_whole_is_not_fetched_and_one_too_long_is_fetched_anew(
    published: Published, server: Server
) -> None:
    archive, body, root = published
    root.mkdir()
    (root / f"{NAME}.part").write_bytes(body)
    assert fetch(archive, root).read_bytes() == body
    assert server.asked == []
    (root / NAME).unlink()
    (root / f"{NAME}.part").write_bytes(body + b"x")
    assert fetch(archive, root).read_bytes() == body
    assert server.asked == [None]


def test_what_a_server_does_not_have_is_an_error_with_its_url(published: Published, server: Server) -> None:
    archive, _, root = published
    server.files.clear()
    with pytest.raises(
        DataError, match=re.escape(f"{archive.url} cannot be fetched (404 Not Found): try later, or give")
    ):
        fetch(archive, root)


def test_a_server_that_cannot_be_reached_is_an_error_with_its_url(published: Published) -> None:
    archive, _, root = published
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(DataError, match=rf"http://127\.0\.0\.1:{port}/{NAME} cannot be reached \(.*refused"):
        fetch(archive, root, f"http://127.0.0.1:{port}/")


def test_a_full_disk_is_an_error_that_says_so(published: Published) -> None:
    archive, _, root = published
    root.mkdir()
    (root / f"{NAME}.part").symlink_to("/dev/full")
    with pytest.raises(DataError, match=r"\.part cannot be written \(No space left on device\): give a --folder"):
        fetch(archive, root)


def test_a_mirror_is_a_folder_of_the_files(published: Published, server: Server) -> None:
    archive, body, root = published
    elsewhere = replace(archive, url=f"http://nowhere.invalid/VOC/{NAME}")
    server.files = {f"/mirror/{NAME}": body}
    assert install(elsewhere, root, f"{server.url}/mirror")
    with pytest.raises(OptionError, match="a mirror is the http:// or https:// URL of a folder, not ftp://x/"):
        fetch(archive, root / "other", "ftp://x")


def test_a_file_that_is_missing_is_fetched_again_and_what_is_there_stays(published: Published, server: Server) -> None:
    archive, _, root = published
    install(archive, root)
    pictures = root / "VOCdevkit/VOC2007/JPEGImages"
    (pictures / "000003.jpg").unlink()
    (pictures / "mine.jpg").write_text("mine")
    assert install(archive, root)
    assert (pictures / "000003.jpg").is_file()
    assert (pictures / "mine.jpg").read_text() == "mine"


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil"])
def test_an_archive_that_would_write_elsewhere_does_not(tmp_path: Path, name: str) -> None:
    file = tmp_path / "inside" / NAME
    file.parent.mkdir()
    with tarfile.open(file, "w") as tar:
        tar.addfile(tarfile.TarInfo(name if name.startswith("..") else str(tmp_path / "evil")), io.BytesIO())
    if name.startswith(".."):
        with pytest.raises(DataError, match="cannot be unpacked"):
            unpack(file, file.parent)
    else:  # an absolute name is taken as a name inside, and stays in
        unpack(file, file.parent)
    assert not (tmp_path / "evil").exists()
    assert not list(file.parent.glob(".voc-*"))


def test_an_archive_cut_short_is_an_error_and_moves_nothing(published: Published, tmp_path: Path) -> None:
    file = tmp_path / NAME
    file.write_bytes(published.body[:30_000])
    published.root.mkdir()
    with pytest.raises(DataError, match=r"VOCtest\.tar cannot be unpacked .*: remove it and run this again"):
        unpack(file, published.root)
    assert list(published.root.iterdir()) == []


def test_the_published_archives_hold_the_sets_that_training_and_testing_take(tmp_path: Path) -> None:
    archives = [archive for year in VOC.values() for archive in year]
    sets = {part for archive in archives for part in archive.sets}
    assert sets >= {part for parts in VOCDataModule(str(tmp_path)).sets.values() for part in parts}
    assert sum(archive.size for archive in archives) == 2_910_691_840
    assert all(re.fullmatch("[0-9a-f]{64}", archive.sha256) for archive in archives)


def test_the_command_says_what_it_did_and_does_it_once(
    published: Published, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "VOC", {2007: (published.archive,)})
    mirror = published.archive.url.removesuffix(f"/{NAME}")
    for done in ("unpacked", "already there"):
        command.run(["download", "voc", "--folder", str(published.root), "--years", "2007", "--mirror", mirror])
        assert f"VOC2007/test: {done} in {published.root}/VOCdevkit" in capsys.readouterr().out
