"""The page of operators, `docs/operators.md`; `python -m bnnfpga.frontend.contract.page` prints it."""

from __future__ import annotations

from collections.abc import Iterator

from bnnfpga.frontend.contract.qonnx_operators import DOMAINS, NAMES, NEWEST_QONNX
from bnnfpga.frontend.contract.refused_operators import REFUSALS
from bnnfpga.frontend.contract.table import QONNX, STANDARD
from bnnfpga.frontend.contract.terms import ANY, FLOATS, MODERN, NEWEST, OLDEST, Attribute, Contract, Form

_INTRODUCTION = f"""# Operators

What a model may contain. This page is generated from the table that the compiler itself reads
(`bnnfpga/frontend/contract`): whatever is not in it (an operator, an attribute or its value, an opset, an element type)
is refused, with the node's name and what to do instead.

* Opsets {OLDEST} to {NEWEST} are supported. All are converted to the form of opset {MODERN} first.
* All arithmetic is on `float32`. Integers may be inputs, be moved, and be cast to float or to a type that holds them.
* Nodes that read only constants may be of any kind: they are folded before anything is compiled. So is `Shape`.
* Shapes, scales and positions in the net are checked once they are known; those messages name the node, too.

`versions` are the opsets at which ONNX changed the schema of an operator; a new row begins where the contract changes.
"""
_REFUSED = """## Not supported

onnxruntime runs most of these on data that depends on the image; bnnfpga refuses them there. On constants, all but the
random ones are allowed.

| operators | why | instead |
|---|---|---|
"""
_VALUES = """
Of the supported operators, bnnfpga refuses these settings, which onnxruntime runs.

| operator | attribute | supported | why not others |
|---|---|---|---|
"""
_BEYOND = """
For no operator are these supported:

* opsets below 7, in which operators broadcast by attributes (`axis`, `broadcast`);
* operators of other domains than ONNX's, QONNX's and FINN's (`com.microsoft`, `ai.onnx.ml` ...), except functions that
  the file itself defines;
* float16, bfloat16, float64 and complex numbers, and arithmetic on integers: float32 would give different results;
* in front of a layer, a Resize that interpolates between pixels, or whose coordinates runtimes interpret differently;
* second outputs that are read: the mask of a Dropout, the indices of a MaxPool, the statistics of a BatchNormalization.
"""


def operators_page() -> str:
    """The page as Markdown."""
    return "\n".join([_INTRODUCTION, *_families(), _qonnx(), *_unsupported()])


def _families() -> Iterator[str]:
    for family in dict.fromkeys(operator.family for operator in STANDARD.values()):
        operators = [operator for operator in STANDARD.values() if operator.family == family]
        yield f"## {family}\n"
        yield from _rows(operators)


def _rows(operators: list[Contract]) -> Iterator[str]:
    yield "| operator | versions | inputs | attributes | what it becomes |\n|---|---|---|---|---|"
    for operator in operators:
        for place, form in enumerate(operator.forms):
            name, does = (f"`{operator.name}`", operator.does) if place == 0 else ("", "")
            versions = ", ".join(map(str, form.versions))
            if operator.last is not None and form is operator.forms[-1]:
                versions += f" (to {operator.last})"
            yield f"| {name} | {versions} | {_inputs(form)} | {_attributes(form)} | {does} |"
    yield ""


def _inputs(form: Form) -> str:
    listed = []
    for role in form.inputs:
        notes = [role.types] if role.types != FLOATS else []
        notes += ["constant"] if role.constant and "constant" not in role.types else []
        notes += ["optional"] if role.optional else []
        notes += ["of one shape"] if form.no_broadcast else []
        joined = ", ".join(notes)
        listed.append(f"`{role.name}`{' ...' * role.many}{f' ({joined})' if notes else ''}")
    return ", ".join(listed)


def _attributes(form: Form) -> str:
    listed = [_attribute(attribute) for attribute in form.attributes]
    return "; ".join([*listed, *(f"not where {rule.text}" for rule in form.rules)])


def _attribute(attribute: Attribute) -> str:
    notes = [] if attribute.legal is ANY else [_text(attribute)]
    if attribute.required:
        notes.append("required")
    elif attribute.default is not None:
        notes.append(f"default {attribute.default!r}")
    joined = ", ".join(notes)
    return f"`{attribute.name}`{f': {joined}' if notes else ''}"


def _text(attribute: Attribute) -> str:
    return attribute.legal.text.replace("|", "\\|")


def _qonnx() -> str:
    names = ", ".join(f"`{name}`" for name in NAMES)
    domains = ", ".join(f"`{domain}`" if domain else "none" for domain in DOMAINS)
    return "\n".join(
        [
            "## QONNX and FINN\n",
            f"By all their names: {names}. In the domains {domains}; versions 1 to {NEWEST_QONNX}. FINN's "
            "`MaxPoolNHWC` and the operators of the domain `qonnx.custom_op.channels_last` are the standard operators "
            "on channels-last images.\n",
            *_rows(list(QONNX.values())),
        ]
    )


def _unsupported() -> Iterator[str]:
    rows = [
        f"| {', '.join(f'`{name}`' for name in refusal.operators)} | {refusal.why} | {refusal.instead} |"
        for refusal in REFUSALS
    ]
    yield _REFUSED + "\n".join(rows)
    yield _VALUES + "\n".join(dict.fromkeys(_restricted()))
    yield _BEYOND.rstrip("\n") + "\n"


def _restricted() -> Iterator[str]:
    for operator in (*STANDARD.values(), *QONNX.values()):
        for form in operator.forms:
            for attribute in form.attributes:
                if attribute.why:
                    yield f"| `{operator.name}` | `{attribute.name}` | {_text(attribute)} | {attribute.why} |"
            for rule in form.rules:
                yield f"| `{operator.name}` | several | | {rule.text} |"


if __name__ == "__main__":
    print(operators_page(), end="")
