"""What Python compiles once for all applications of a run: for each, it took most of a start."""

from __future__ import annotations

from types import MethodType

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

_compile = Rule.compile
_MADE = ("_parts", "_trace", "_converters", "arguments")
_compiled: dict[tuple[object, ...], Rule] = {}


def _compile_once(rule: Rule) -> None:
    """What werkzeug makes of a route, a pattern and functions that make addresses, depends on these alone."""
    key = (rule.rule, rule.subdomain, rule.host, str(rule.defaults), rule.merge_slashes)
    if key not in _compiled:
        _compile(rule)
        _compiled[key] = rule
        return
    first = _compiled[key]
    vars(rule).update({name: vars(first)[name] for name in _MADE})
    rule._build = MethodType(first._build.__func__, rule)  # type: ignore[attr-defined]
    rule._build_unknown = MethodType(first._build_unknown.__func__, rule)  # type: ignore[attr-defined]


Rule.compile = _compile_once  # type: ignore[method-assign, assignment]
