"""Templates in JSON-e, of hooks and of texts of notifications."""

from __future__ import annotations

from typing import Any


class TemplateError(Exception):
    """A template cannot be rendered; the text says where, ``reason`` only why."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason


def render(template: Any, context: dict[str, Any]) -> Any:
    """Return a template rendered in a context, or raise TemplateError."""
    import jsone

    try:
        return jsone.render(template, context)
    except jsone.JSONTemplateError as error:
        raise TemplateError(str(error), str(error.args[0])) from None
