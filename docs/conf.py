"""How the site is built (`make docs`). Nothing is fetched while it is, and every warning is an error."""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

gc.disable()  # nearly all that is made lives as long as the build, a third of whose time it took to look for garbage

# Airflow reads its home while it is imported: it gets one that is nobody's.
os.environ["AIRFLOW_HOME"] = _home = tempfile.mkdtemp(prefix="airflow-home-")
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"
atexit.register(shutil.rmtree, _home, ignore_errors=True)
sys.path.insert(0, str(Path(__file__).parent / "extensions"))

from airflow_provider_taskcluster import __version__

project = "airflow-provider-taskcluster"
author = project_copyright = "The authors of airflow-provider-taskcluster"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "rooms",
    "rooms_picture",
    "imports",
    "inherited_parameters",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = True
toc_object_entries_show_parents = "hide"

# A name in a signature or a docstring is a link. What Python, Airflow and Taskcluster's client document is not.
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(datetime\.)?(datetime|timedelta)"),
    ("py:.*", r"(collections\.abc|pathlib|types|typing)\..*|(os\.)?PathLike|Path|Self|ASGIApp"),
    ("py:.*", r"airflow\..*|Context|(Object)?StoragePath|AirflowException|PokeReturnValue|TaskDecorator"),
]

html_theme = "furo"
html_title = "Taskcluster for Airflow"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
copybutton_exclude = ".linenos, .gp, .go"


def _by_last_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """Link a name as annotations write it (``TransferResult``) to the one thing in the site that is called so."""
    domain = env.domains.python_domain
    found = domain.find_obj(env, None, None, node["reftarget"], None, 1) if node.get("refdomain") == "py" else []
    if len(found) != 1:
        return None
    from sphinx.util.nodes import make_refnode

    name, thing = found[0]
    return make_refnode(app.builder, node["refdoc"], thing.docname, thing.node_id, content, name)


def _readable_defaults(
    _app: Sphinx, _kind: str, _name: str, _thing: object, _options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Write ``...`` for defaults that are made by a function: what Python writes for them is no Python."""
    return signature and signature.replace("<factory>", "..."), returns


def setup(app: Sphinx) -> None:
    """Add what the extensions above do not do."""
    app.connect("missing-reference", _by_last_name)
    app.connect("autodoc-process-signature", _readable_defaults)
