"""Read a Darknet ``.cfg``: sections of ``key=value`` lines, every one of them known or refused.

Source: Darknet's ``src/parser.c`` (``read_cfg``, ``parse_network_cfg``).
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lightning_app.darknet.vocabulary import (
    ALIASES,
    KNOWN_KEYS,
    OF_ANY_LAYER,
    READ_OVER,
    REFUSED_OPTIONS,
    REFUSED_SECTIONS,
    SAID_APART,
    USUAL,
    WORDS,
    options_of,
)
from lightning_app.errors import CfgError
from lightning_app.shipped import find_network, network_names
from lightning_app.text_lines import lines_of


@dataclass(frozen=True)
class Section:
    """One ``[section]`` of a ``.cfg``.

    Attributes:
        kind: its name, such as ``convolutional``.
        file: where it was read.
        line: number of its header line, from 1.
        options: the text of each option.
        lines: the number of each option's line.
        read_over: options that only Darknet's training reads, or that Darknet does not read in such a section.
    """

    kind: str
    file: Path
    line: int
    options: dict[str, str]
    lines: dict[str, int] = field(default_factory=dict, compare=False)
    read_over: dict[str, str] = field(default_factory=dict, compare=False)

    def fault(self, message: str, key: str = "") -> CfgError:
        """An error that says where this section stands, or the option that is wrong."""
        return CfgError(f"{self.file}:{self.lines.get(key, self.line)}: [{self.kind}] {message}")

    def text(self, key: str, default: str | None = None) -> str:
        """The option as it stands; without a default it must be there."""
        value = self.options.get(key, default)
        if value is None:
            raise self.fault(f"has no {key}=; add it")
        return value

    def integer(self, key: str, default: int | None = None) -> int:
        """The option as an integer."""
        return _integer(self, key, self.text(key, None if default is None else str(default)))

    def positive(self, key: str, default: int | None = None) -> int:
        """The option as an integer of at least 1."""
        return self._at_least(1, key, default)

    def natural(self, key: str, default: int | None = None) -> int:
        """The option as an integer of at least 0."""
        return self._at_least(0, key, default)

    def _at_least(self, smallest: int, key: str, default: int | None) -> int:
        value = self.integer(key, default)
        if value < smallest:
            raise self.fault(f"{key} must be at least {smallest}, not {value}", key)
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """The option as 0 or 1."""
        value = self.integer(key, int(default))
        if value not in (0, 1):
            raise self.fault(f"{key} must be 0 or 1, not {value}", key)
        return bool(value)

    def real(self, key: str, default: float) -> float:
        """The option as a float."""
        return _real(self, key, self.text(key, str(default)))

    def integers(self, key: str) -> list[int]:
        """The option as integers between commas."""
        return [_integer(self, key, part) for part in _parts(self.text(key))]

    def reals(self, key: str) -> list[float]:
        """The option as floats between commas."""
        return [_real(self, key, part) for part in _parts(self.text(key))]


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _integer(section: Section, key: str, text: str) -> int:
    if not re.fullmatch(r"[-+]?[0-9]{1,9}", text):
        raise section.fault(f"{key} must be an integer, of nine digits at most, not {text[:40]!r}", key)
    return int(text)


def _real(section: Section, key: str, text: str) -> float:
    """Python reads more than Darknet does: ``1_0``, other alphabets' digits, NaN and infinity."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if "_" in text or not text.isascii() or not math.isfinite(value):
        raise section.fault(f"{key} must be a number, not {text[:40]!r}", key)
    return value


def read_cfg(path: str | Path) -> list[Section]:
    """The sections of a ``.cfg`` in the order of the file, ``[net]`` first.

    Args:
        path: the file, or the name of a network that comes with the program, such as ``yolo-lite``.

    Raises:
        CfgError: the file cannot be read, a line is not ``key=value``, a section or option is not supported, or one
            section gives an option of the network two values. Of two values of another option the first counts, as in
            Darknet.
    """
    path = find_network(path)
    try:
        lines = lines_of(path.read_bytes(), errors="replace")  # options are ASCII, comments are in any encoding
    except FileNotFoundError as error:
        close = difflib.get_close_matches(path.stem, network_names(), n=1)
        meant = f"did you mean {close[0]}?" if close else f"give a file, or one of {', '.join(network_names())}"
        raise CfgError(f"the network {path} is not there; {meant}") from error
    except OSError as error:
        raise CfgError(f"{path} cannot be read as a Darknet .cfg: {error.strerror}") from error
    except ValueError as error:
        raise CfgError(f"{path} cannot be read as a Darknet .cfg: {error}") from error
    sections: list[Section] = []
    for number, raw in enumerate(lines, start=1):
        text, *comment = re.split("[#;]", raw, maxsplit=1)
        line = "".join(text.split())  # Darknet's strip() takes the spaces inside a line too
        if not line:
            continue
        if comment and line.partition("=")[0] in WORDS:
            raise CfgError(
                f"{path}:{number}: Darknet reads the comment behind {line} as a part of the name, which it does not "
                "know then: put the comment on a line of its own"
            )
        if line.startswith("["):
            sections.append(_open_section(path, number, line))
        else:
            _add_option(path, number, line, sections)
    if not sections or sections[0].kind != "net":
        raise CfgError(f"{path} must open with a [net] section")
    for section in sections[1:]:
        if section.kind == "net":
            raise section.fault("opens a second network; keep one network per file")
    return sections


def _open_section(path: Path, number: int, line: str) -> Section:
    name = line.strip("[]")
    kind = ALIASES.get(name, name)
    if kind in REFUSED_SECTIONS:
        raise CfgError(f"{path}:{number}: section [{name}] is not supported: {REFUSED_SECTIONS[kind]}")
    if kind not in KNOWN_KEYS:
        supported = ", ".join(f"[{known}]" for known in KNOWN_KEYS)
        meant = _meant(name, [*KNOWN_KEYS, *ALIASES], "[{}]") or f"; supported are {supported}"
        raise CfgError(f"{path}:{number}: section {line} is not supported{meant}")
    return Section(kind, path, number, {})


def _add_option(path: Path, number: int, line: str, sections: list[Section]) -> None:
    key, equals, value = line.partition("=")
    if not equals or not sections:
        raise CfgError(
            f"{path}:{number}: expected key=value inside a section, found {line[:40]!r}; correct the line, or put # "
            "before it"
        )
    section = sections[-1]
    if reason := REFUSED_OPTIONS.get(section.kind, {}).get(key):
        if not re.fullmatch(r"[-+]?0*\.?0*", value):
            raise CfgError(f"{path}:{number}: option {key}= of [{section.kind}] is not supported: {reason}")
        return
    if key in READ_OVER.get(section.kind, ()) or (section.kind != "net" and key in OF_ANY_LAYER):
        section.read_over.setdefault(key, value)
        return
    if key not in KNOWN_KEYS[section.kind]:
        if any(key in options_of(kind) for kind in KNOWN_KEYS):  # no misprint, but an option of another section
            section.read_over.setdefault(key, value)
            return
        meant = _meant(key, options_of(section.kind), "{}=")
        raise CfgError(f"{path}:{number}: option {key}= of [{section.kind}] is not supported{meant}")
    section.lines.setdefault(key, number)
    given = section.options.setdefault(key, value)
    if given != value:
        raise CfgError(
            f"{path}:{number}: option {key}= of [{section.kind}] is given twice, {given} and {value}; Darknet takes "
            "the first: remove one"
        )


def _meant(name: str, names: Iterable[str], form: str) -> str:
    """The end of a sentence about a misprint: which of the names is close, whatever its capitals; "" for none."""
    by_small = {known.lower(): known for known in sorted(names)}
    close = difflib.get_close_matches(name.lower(), by_small, n=1)
    return f"; did you mean {form.format(by_small[close[0]])}?" if close else ""


def notes(sections: Sequence[Section]) -> Iterator[str]:
    """What a person should know of options that were read over, a sentence each."""
    read_over = {(key, section.kind) for section in sections for key in section.read_over}
    elsewhere = {(key, kind) for key, kind in read_over if key not in options_of(kind)}
    unusual = {(key, kind) for key, kind in read_over if key not in USUAL} - elsewhere - SAID_APART
    file = sections[0].file
    if unusual:
        yield f"{file}: options that only Darknet's training reads change nothing here: {_named(unusual)}"
    if elsewhere:
        yield f"{file}: options that Darknet does not read in such a section change nothing here: {_named(elsewhere)}"
    if sections[0].read_over.get("letter_box", "0") != "0":
        yield f"{file} asks for letter_box: give --data.resize letterbox, or --resize letterbox to encode"
    for section in sections:
        if section.real("truth_thresh", 1) < 1:
            yield (
                f"{file}:{section.lines['truth_thresh']}: truth_thresh below 1 chooses more anchors in Darknet's "
                "training; here the place and shape of a truth choose them"
            )
        if section.kind == "region" and "map" in section.read_over:
            name = section.read_over["map"]
            yield (
                f"{file} names {name} for Darknet's training: the network detects the classes of its tree; for those "
                f"of {Path(name).name} give --model.class_map {name}, or --class_map {name} to decode"
            )


def _named(options: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{key} of [{kind}]" for key, kind in sorted(options))
