"""The published archives of VOC: fetched, checked, and unpacked into a devkit."""

import hashlib
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lightning_app.data.devkit import missing_files, read_set
from lightning_app.data.transfer import CHUNK, transfer
from lightning_app.errors import DataError
from lightning_app.progress import read_tracked, tracked

DEVKIT = "VOCdevkit"
"""The folder that every archive holds."""


@dataclass(frozen=True)
class Archive:
    """A published archive.

    Attributes:
        url: of the original.
        size: of the file, in bytes.
        sha256: of the file, in hexadecimal.
        sets: of pictures that it holds, such as VOC2007/trainval.
    """

    url: str
    size: int
    sha256: str
    sets: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of the file."""
        return self.url.rpartition("/")[2]


# VOC publishes no sums. These sizes and sums are those of TensorFlow Datasets (url_checksums/voc.txt).
VOC = {
    2007: (
        Archive(
            "http://host.robots.ox.ac.uk/pascal/VOC/voc2007/VOCtrainval_06-Nov-2007.tar",
            460_032_000,
            "7d8cd951101b0957ddfd7a530bdc8a94f06121cfc1e511bb5937e973020c7508",
            ("VOC2007/train", "VOC2007/val", "VOC2007/trainval"),
        ),
        Archive(
            "http://host.robots.ox.ac.uk/pascal/VOC/voc2007/VOCtest_06-Nov-2007.tar",
            451_020_800,
            "6836888e2e01dca84577a849d339fa4f73e1e4f135d312430c4856b5609b4892",
            ("VOC2007/test",),
        ),
    ),
    2012: (
        Archive(
            "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar",
            1_999_639_040,
            "e14f763270cf193d0b5f74b169f44157a4b0c6efa708f4dd0ff78ee691763bcb",
            ("VOC2012/train", "VOC2012/val", "VOC2012/trainval"),
        ),
    ),
}
"""The archives of each year."""


def install(archive: Archive, root: Path, mirror: str | None = None) -> bool:
    """Fetch and unpack an archive, unless all its pictures are there.

    Args:
        archive: which.
        root: the folder that VOCdevkit is in, or is to be in.
        mirror: URL of a folder that holds the file; None for the original.

    Returns:
        Whether there was anything to do.

    Raises:
        DataError: it cannot be fetched, is not what was published, or cannot be written.
    """
    if is_there(archive, root):
        return False
    file = fetch(archive, root, mirror)
    unpack(file, root)
    file.unlink()
    return True


def is_there(archive: Archive, root: Path) -> bool:
    """Whether the devkit has an archive's lists, and every picture and annotation on them."""
    try:
        ids = [name for part in archive.sets for name in read_set(root / DEVKIT, part)]
    except DataError:
        return False
    return not missing_files(root / DEVKIT, ids)


def fetch(archive: Archive, folder: Path, mirror: str | None = None) -> Path:
    """Download an archive into a folder, by way of ``name.part``, so that ``name`` is there whole or not at all.

    Raises:
        DataError: it cannot be fetched or written, or is not what was published.
    """
    file, part = folder / archive.name, folder / f"{archive.name}.part"
    url = archive.url if mirror is None else f"{mirror.rstrip('/')}/{archive.name}"
    if file.exists():
        _check(str(file), file, archive.sha256)
        return file
    try:
        folder.mkdir(parents=True, exist_ok=True)
        transfer(url, part, archive.size)
        _check(url, part, archive.sha256)
        part.rename(file)
    except OSError as error:
        raise DataError(f"{part} cannot be written ({error.strerror}): give a --folder with room for it") from error
    return file


def _check(url: str, part: Path, sha256: str) -> None:
    """Refuse a file that is not what was published; a part of ours is removed, as nothing added would mend it."""
    with part.open("rb") as file, read_tracked(file, "Checking", part.stat().st_size) as read:
        digest = hashlib.sha256()
        for chunk in iter(lambda: read.read(CHUNK), b""):
            digest.update(chunk)
    found = digest.hexdigest()
    if found != sha256:
        if part.suffix == ".part":
            part.unlink()
        raise DataError(f"{url} has the SHA-256 {found} and not the published {sha256}: try again, or give a --mirror")


def unpack(file: Path, root: Path) -> None:
    """Unpack an archive aside, and move its files into place one by one, so that none is ever there in part.

    Raises:
        DataError: it is no archive, would write outside its folder, or there is no room.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=".voc-", dir=root) as aside:
            with tarfile.open(file) as archive:
                members = archive.getmembers()
                archive.extractall(aside, tracked(members, "Unpacking", len(members)), filter="data")
            for path in sorted(Path(aside).rglob("*")):
                if not path.is_dir():
                    place = root / path.relative_to(aside)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    path.replace(place)
    except (tarfile.TarError, EOFError) as error:
        raise DataError(f"{file} cannot be unpacked ({error}): remove it and run this again") from error
    except OSError as error:
        raise DataError(f"{file} cannot be unpacked ({error.strerror}): make room in {root}") from error
