"""Sphinx settings of the book.  `book/bind.py` prepares the pages and calls Sphinx; nothing is fetched at view time."""

import sys
from pathlib import Path

import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from docstrings import describe, is_field  # noqa: E402

CITATION = yaml.safe_load((HERE.parent / "CITATION.cff").read_text(encoding="utf-8"))

project = "Evolvable neural units"
author = ", ".join(a.get("name") or f"{a['given-names']} {a['family-names']}" for a in CITATION["authors"])
release = str(CITATION["version"])
extensions = ["myst_nb", "sphinx.ext.autodoc"]

exclude_patterns = ["notebooks"]  # for download
nb_execution_mode = "off"  # run.py has run them
nb_ipywidgets_js = {}  # no kernel, no widgets: explorers are pictures
nb_render_markdown_format = "myst"
nb_number_source_lines = False
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
default_role = "code"  # of docstrings
myst_enable_extensions = ["dollarmath", "colon_fence", "attrs_inline", "deflist"]
myst_heading_anchors = 3
myst_dmath_double_inline = False
math_eqref_format = "Eq. ({number})"

autodoc_typehints = "signature"
autodoc_use_type_comments = False  # the code has none, and looking for them takes a second
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries = False

# bind.py puts these parts of MathJax 3 there (the usual single file is 2 MB, most of it not used)
mathjax_path = "mathjax/startup.js"
mathjax3_config = {"loader": {"load": ["core", "input/tex", "output/chtml", "a11y/assistive-mml"]}}

html_context = {"default_mode": "auto"}
html_theme = "sphinx_book_theme"
html_title = project
html_static_path = [str(HERE / "static")]
html_css_files = ["book.css"]
html_js_files = [("book.js", {"defer": "defer"})]
html_use_index = html_domain_indices = False  # the search does that
html_copy_source = False
html_show_sourcelink = False
html_last_updated_fmt = None
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "navbar_persistent": [],
    "navbar_start": [],
    "navbar_end": [],
    "navbar_center": [],
    "show_toc_level": 2,
    "max_navbar_depth": 1,  # the toggle of deeper levels has no accessible name
    "home_page_in_toc": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_content_items": ["extra-footer.html"],
    "extra_footer": f"{author}. MIT licence. A companion to Bertens and Lee (2020).",
}


def mix(app, env, names):
    """Spread the API pages, which take longest, over the processes: in order, one process would get them all."""
    names[:] = [name for start in range(5) for name in names[start::5]]


def setup(app):
    app.connect("env-before-read-docs", mix)
    app.connect("autodoc-process-docstring", describe)
    app.connect("autodoc-skip-member", is_field)
