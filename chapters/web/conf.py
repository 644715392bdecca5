"""How Sphinx makes the book for the web and for paper: make web, epub, pdf."""

import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).parent
sys.path.insert(0, str(WEB))


def git(*words):
    """Return what git says about this book's history."""
    told = subprocess.run(
        ["git", *words], cwd=WEB, capture_output=True, text=True, check=True
    )
    return told.stdout.strip()


project = "Scaling machine learning"
author = "the authors of the book"
copyright = "2026 the authors of the book, text CC BY 4.0, code MIT"
version = release = git("describe", "--always", "--dirty")
rendered = git("log", "-1", "--format=%cs", "--", "../**/*.ipynb")

extensions = ["myst_nb", "sphinx_copybutton", "book", "chinese", "landing", "paper"]
root_doc = "chapters/index"  # its map is the table of contents
include_patterns = ["chapters/**.ipynb", "datasets/**.md"]
exclude_patterns = ["**/.ipynb_checkpoints", ".*", "docker", "tests", "work"]
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
myst_heading_slug_func = "book.slug"
suppress_warnings = ["epub.unknown_project_files"]

html_theme = "furo"
html_title = project
pygments_dark_style = "a11y-dark"
html_math_renderer = "mathml"
html_static_path = ["static"]
html_css_files = ["book.css"]
html_js_files = [("book.js", {"defer": "defer"})]
html_favicon = "static/favicon.svg"
html_sourcelink_suffix = ""  # the notebooks keep their names
html_use_index = False
html_additional_pages = {"index": "landing.html"}
templates_path = [str(WEB / "templates")]  # gettext looks from elsewhere
copybutton_selector = "div:not(.output) > div.highlight pre"

gettext_compact = "book"
gettext_location = False
locale_dirs = ["chapters/web/locale"]  # as seen from the book's folder

epub_basename = "scaling-machine-learning"
epub_show_urls = "no"
epub_tocscope = "includehidden"
epub_css_files = ["paper.css"]
epub_exclude_files = ["index.xhtml", "search.xhtml", "_static/book.css"]

EDITIONS = {  # language: the other edition's code, name, place; the way to the sources
    "en": ("zh-CN", "中文", "zh/", ""),
    "zh_CN": ("en", "English", "../", "../"),
}
LABELS = {
    "en": {
        "solution_label": "Solution",
        "programs_label": "Programs",
        "minutes_label": "min",
        "html_last_updated_fmt": f"{rendered} (date of the outputs), version {release}",
    },
    "zh_CN": {
        "solution_label": "答案",
        "programs_label": "程序",
        "minutes_label": "分钟",
        "html_last_updated_fmt": f"{rendered}（输出的日期），版本 {release}",
    },
}
html_context = {"year": rendered[:4]}


def setup(app):
    """Choose what depends on the language; the notebooks are copied only once."""
    language = app.config.language
    html_context["other"] = EDITIONS[language]
    for name, label in LABELS[language].items():
        setattr(app.config, name, label)
    app.config.html_copy_source = language == "en"
