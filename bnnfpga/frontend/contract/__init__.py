"""What each operator means that a file may hold: one table, as data.

An `Operator` says for every opset from 7 on which inputs and attributes it has, what their absence means, which values
and element types are taken, and what to do instead of others. `table` collects the operators, by family in the files
beside it, and those that are refused, with the reason; `checks` compares nodes with it; `page` writes it as
`docs/operators.md`. The way from each form to that of opset 21 is `bnnfpga.frontend.reading.modern`.

An entry also says its operator's `traits`, by which code that works on operators of many kinds knows what it does.

Nothing here knows shapes: what depends on them is checked where they are known.
"""
