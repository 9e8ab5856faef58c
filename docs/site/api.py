"""The Python API from the docstrings. The source is parsed and never imported, so that no torch is needed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from reference import _put, _title
from sphinx.ext.napoleon import Config, GoogleDocstring

LEFT_OUT = ("lightning_fixes",)
"""Packages that only the program itself uses."""
STYLE = Config(napoleon_use_rtype=False, napoleon_use_ivar=True)


def write(package: Path, pages: Path) -> None:
    """Write one page for each package.

    Args:
        package: the folder of the program.
        pages: the folder that they go to.
    """
    folders = sorted(
        path for path in package.iterdir() if (path / "__init__.py").exists() and path.name not in LEFT_OUT
    )
    names = []
    for folder in [package, *folders]:
        modules = sorted(folder.glob("*.py") if folder == package else folder.rglob("*.py"))
        name = ".".join(folder.relative_to(package.parent).parts)
        names.append(name)
        _put(pages / f"{name}.rst", "\n\n".join([_title(name, "="), *_page(package.parent, modules)]) + "\n")
    listed = "\n   ".join(names)
    _put(
        pages / "README.rst",
        f"{_title('Python API', '=')}\n\nWhat the docstrings say of every public class and function.\n\n"
        f".. toctree::\n\n   {listed}\n",
    )


def _page(root: Path, modules: list[Path]) -> Iterator[str]:
    for path in modules:
        tree = ast.parse(path.read_text())
        parts = path.relative_to(root).with_suffix("").parts
        module = ".".join(part for part in parts if part != "__init__")
        said = _docstring(tree)
        if path.name == "__init__.py":
            yield said
            continue
        members = [text for node in tree.body for text in _member(node, module)]
        if members:
            yield from (_title(module, "-"), f".. py:module:: {module}", said, *members)


def _member(node: ast.AST, scope: str, indent: str = "") -> Iterator[str]:
    """A public class with its public methods, or a public function."""
    if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_"):
        return
    name, inside = f"{scope}.{node.name}", f"{indent}   "
    if isinstance(node, ast.ClassDef):
        kind, signature = "class", _constructor(node)
    else:
        kind, signature = ("method" if indent else "function"), _signature(node, bool(indent))
    said = str(GoogleDocstring(_docstring(node), STYLE, what=kind))
    body = "\n".join(f"{inside}{line}".rstrip() for line in said.splitlines())
    options = "".join(f"\n{inside}:{option}:" for option in _options(node))
    yield f"{indent}.. py:{kind}:: {node.name if indent else name}{signature}{options}\n\n{body}"
    if isinstance(node, ast.ClassDef):
        for member in node.body:
            yield from _member(member, name, inside)


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> str:
    """As reStructuredText: an absolute value is no substitution there."""
    return re.sub(r"\|(?=\w+\|)", r"\\|", ast.get_docstring(node) or "")


def _constructor(node: ast.ClassDef) -> str:
    made = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
    if made:
        return _signature(made[0], True).partition(" -> ")[0]
    fields = [ast.unparse(part) for part in node.body if isinstance(part, ast.AnnAssign)]
    return f"({', '.join(fields)})" if any("dataclass" in ast.unparse(one) for one in node.decorator_list) else ""


def _signature(node: ast.FunctionDef, is_method: bool) -> str:
    text = f"({ast.unparse(node.args)})" + (f" -> {ast.unparse(node.returns)}" if node.returns else "")
    if is_method and not _is(node, "staticmethod"):
        first = node.args.args[0].arg if node.args.args else ""
        text = text.replace(f"({first}, ", "(", 1).replace(f"({first})", "()", 1)
    return text


def _options(node: ast.ClassDef | ast.FunctionDef) -> list[str]:
    return [name for name in ("staticmethod", "classmethod") if isinstance(node, ast.FunctionDef) and _is(node, name)]


def _is(node: ast.FunctionDef, decorator: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == decorator for one in node.decorator_list)
