"""The contract of each operator that a file may contain: one table, as data.

For every opset from 7 on, the `Contract` of an operator lists inputs and attributes, their defaults, the supported
values and element types, and what to use instead of others. `table` collects the contracts, listed by family in the
files beside it, and the refused operators with the reason; `checks` compares nodes with the table; `page` writes it as
`docs/operators.md`. `bnnfpga.frontend.reading.modern` converts each form to that of opset 21.

A contract also states its operator's `traits`, which code for many kinds of operators asks instead of names.

Nothing here knows shapes: what depends on them is checked once they are known.
"""
