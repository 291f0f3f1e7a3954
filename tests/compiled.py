"""What Python compiles once for all applications of a run: for each, it took most of a start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule


class CompiledTemplates(BytecodeCache):
    """Templates as Python has compiled them."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill in what is there; without it Jinja compiles."""
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Take what was compiled."""
        self._code[bucket.key] = bucket.bytecode_to_string()


COMPILED_TEMPLATES = CompiledTemplates()

_compile_builder = Rule._compile_builder
_builders: dict[tuple[object, ...], Callable[..., Any]] = {}


def _compile_builder_once(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
    """A function that makes addresses of a route: werkzeug writes one for each, which depends on these alone."""
    key = (rule.rule, rule.subdomain, rule.host, str(rule.defaults), append_unknown)
    if key not in _builders:
        _builders[key] = _compile_builder(rule, append_unknown)
    return _builders[key]


Rule._compile_builder = _compile_builder_once  # type: ignore[method-assign]
