"""`backlit explain`: a formula's graph with every value and gradient."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "explain"
EXAMPLES = (
    'Examples:\n\nbacklit explain "(x + y) * z" x=-2 y=5 z=-4\n\n'
    'backlit explain "W2 @ max(0, W1 @ x)" W1=[[1,-2],[3,4]] W2=[[1,1]] x=[1,2]\n\n'
    'backlit explain "sum(softmax(v) * [1, 0, 0])" v=[1,2,3] --json\n\n'
    'backlit explain "(x + y) * z" x=-2 y=5 z=-4 --draw graph.svg'
)


def command(
    formula: Annotated[
        str,
        typer.Argument(
            help='Such as "(x + y) * z"; operators + - * / @ (matrix product) **, arrays such as [[1, 2], [3, 4]], '
            "functions: abs, cos, exp, log, max, mean, min, norm, relu, sigmoid, sin, softmax, sqrt, sum, tanh, ...",
            metavar="FORMULA",
        ),
    ],
    values: Annotated[
        list[str] | None,
        typer.Argument(help="Values of the names: x=-2, v=[1,2,3], W=[[1,2],[3,4]].", metavar="NAME=VALUE…"),
    ] = None,
    tree: Annotated[bool, typer.Option("--tree", help="As an indented tree.")] = False,
    draw: Annotated[
        Path | None,
        typer.Option(help="Also write the graph as a picture (.svg, .png, .pdf): values above, gradients below."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Show each node of a formula with its value and gradients: upstream (arrives), local, downstream (goes on)."""
    from backlit.cli import output
    from backlit.cli.expression import Parser, assignments
    from backlit.errors import InputError
    from backlit.inspect.draw import check_path
    from backlit.inspect.draw import draw as draw_graph
    from backlit.inspect.explain import explain

    if draw is not None:
        check_path(draw)
    variables = assignments(values or [])
    result = Parser(formula, variables).parse()
    explanation = explain(result)
    unused = set(variables) - {node.name for node in explanation}
    if unused:
        raise InputError(f"{', '.join(sorted(unused))} isn't used in {formula!r}")
    if draw is not None:
        draw_graph(explanation, path=draw)
    if as_json:
        output.emit(explanation.to_dict())
        return
    output.tell(explanation.tree() if tree else explanation.table())
    if not tree:
        gates = dict.fromkeys(
            f"{n.tensor.op.name} {n.tensor.op.gate}" for n in explanation if n.tensor.op and n.tensor.op.gate
        )
        output.tell("\n" + "\n".join(gates))
