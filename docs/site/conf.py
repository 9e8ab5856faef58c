"""How Sphinx makes the site, by ``make docs``.

The source is the whole repository, so that a link serves GitHub and the site. Warnings are errors, so that a link that
leads nowhere fails.
"""

import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))
import api
import reference
from sections import toctree

project = "deep-feature-compression"
root_doc = "docs/README"
extensions = ["myst_parser"]
include_patterns = [
    "*.md",
    "benchmarks/*.md",
    "build/pages/**",
    "docs/**.md",
    "results/**.md",
]
exclude_patterns = [".[!.]*", "build/docs", "build/docs-tools", "build/tools"]
myst_heading_anchors = 4
# A name in an annotation may belong to classes of two modules.
suppress_warnings = ["ref.python"]
highlight_language = "text"
toc_object_entries = False  # or every method is in the navigation of every page
html_theme = "furo"
html_title = "deep-feature-compression"
html_static_path = ["style"]
html_css_files = ["wide.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False


def setup(app: Sphinx) -> None:
    """Write the pages that the program itself states, and let each section's page decide the navigation."""
    root, pages = Path(app.srcdir), Path(app.srcdir) / "build/pages"
    api.write(root / "lightning_app", pages / "api")
    reference.write(root, pages)
    app.connect("source-read", lambda _, name, text: text.append(text.pop() + toctree(root, name)))
