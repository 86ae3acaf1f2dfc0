"""`when:` expressions: CEL, checked when loaded, asked as a plain callable."""

from typing import Any, NamedTuple

from cel_expr_python import cel  # type: ignore[import-untyped]

from engine.core.policy import Attributes
from engine.policies.problems import Refused

TEXTS = (
    *("severity", "priority", "tier", "customer", "customer_name", "service", "component", "region"),
    *("channel", "team", "owner", "title", "reporter", "fingerprint", "scope", "revenue_currency"),
)
FLAGS = ("data_loss", "security", "workaround")
COUNTS = ("affected_customers",)
AMOUNTS = ("revenue_at_risk",)
LISTS = ("tags",)

_TYPES = {
    **dict.fromkeys(TEXTS, cel.Type.STRING),
    **dict.fromkeys(FLAGS, cel.Type.BOOL),
    **dict.fromkeys(COUNTS, cel.Type.INT),
    **dict.fromkeys(AMOUNTS, cel.Type.DOUBLE),
    **dict.fromkeys(LISTS, cel.Type.List(cel.Type.STRING)),
}
_ENVIRONMENT = cel.NewEnv(variables=_TYPES)


class Expression(NamedTuple):
    """A checked expression."""

    text: str
    compiled: Any
    names: tuple[str, ...]

    def holds(self, attributes: Attributes) -> bool:
        """Whether it is true of them; what stands on something unknown is not, unless the rest decides."""
        known = {name: _value(name, attributes[name]) for name in self.names if name in attributes}
        if "tags" in self.names:
            known.setdefault("tags", [])
        return self.compiled.eval(data=known).value() is True


def _value(name: str, value: object) -> object:
    if name in AMOUNTS and isinstance(value, int):
        return float(value)
    return str(value) if name in TEXTS else value


def parse_expression(value: object) -> Expression:
    """Compiled and type-checked. Refused where it is no CEL, names an unknown field or is no condition."""
    if not isinstance(value, str) or not value.strip():
        raise Refused("a CEL expression such as tier == 'gold' && affected_customers >= 20")
    try:
        compiled = _ENVIRONMENT.compile(value)
    except RuntimeError as error:
        raise Refused(f"a CEL expression over {', '.join(sorted(_TYPES))} ({_reason(error)})") from None
    if compiled.return_type() != cel.Type.BOOL:
        raise Refused("a CEL expression that is true or false")
    return Expression(value, compiled, tuple(name for name in _TYPES if name in value))


def _reason(error: Exception) -> str:
    first = str(error).splitlines()[0]
    return first.partition("ERROR: <input>:")[2].strip() or first
