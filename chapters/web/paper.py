"""The EPUB, where Sphinx's own builder breaks the rules of the format."""

import re
from pathlib import Path

from sphinx.builders.epub3 import Epub3Builder

STYLES = ("pygments", "paper")


class Epub(Epub3Builder):
    """Sphinx's builder, for a root document in a folder and formulae as MathML."""

    def get_toc(self):
        """Take the way through the root's folder out of the contents' links."""
        super().get_toc()
        root = re.escape(Path(self.config.root_doc).parent.as_posix())
        for node in self.refnodes:
            node["refuri"] = re.sub(rf"^{root}/\.\./", "", node["refuri"])

    def build_content(self):
        """Say in the list of files which pages hold MathML."""
        super().build_content()
        content = Path(self.outdir, "content.opf")
        pages = r'<item [^>]*href="(chapters/[^"]+\.xhtml)"[^>]*(?=/>)'
        content.write_text(re.sub(pages, self.declare, content.read_text()))

    def declare(self, item):
        """Return an entry of that list with what the page holds."""
        math = "<math" in Path(self.outdir, item[1]).read_text()
        return item[0] + ('properties="mathml" ' if math else "")


def keep_styles(app, name, template, context, doctree):
    """Give an EPUB's pages only the styles that travel with it."""
    if app.builder.name == "epub":
        files = context["css_files"]
        names = [Path(str(file.filename)).stem for file in files]
        kept = [f for f, n in zip(files, names, strict=True) if n in STYLES]
        context["css_files"] = kept


def setup(app):
    """Register it with Sphinx."""
    app.add_builder(Epub, override=True)
    app.connect("html-page-context", keep_styles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
