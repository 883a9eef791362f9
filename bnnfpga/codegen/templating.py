"""The Jinja environment that renders all templates."""

from __future__ import annotations

from functools import cache

import jinja2

from bnnfpga.base.assets import asset


@cache
def environment() -> jinja2.Environment:
    """The environment: undefined names are errors, blocks leave no blank lines, files end with a newline."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(asset("templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # nothing here is HTML
    )


def render(template: str, **values: object) -> str:
    """Render a template of `templates/`."""
    return environment().get_template(template).render(**values)
