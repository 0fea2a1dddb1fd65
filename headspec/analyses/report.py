"""The analyses as pages of text.

In: ``Attribution``, ``Probes``, ``Tree``, ``Points``.  Out: lines of text.  Not for: machine-readable output
(``to_json``), nor pictures (``drawings``).
"""

from __future__ import annotations

from headspec.analyses.attribution import Attribution
from headspec.analyses.geometry import Points
from headspec.analyses.probing import Probes
from headspec.analyses.tree import Edge, Tree
from headspec.terminal import plain_label
from headspec.verification.report import percent, table

MOST_COLUMNS = 24


def render_attribution(found: Attribution) -> str:
    """Two matrices: what the predicted token loses, and how often another one is predicted."""
    drawn = "given" if found.seed is None else f"seed {found.seed}"
    kept = "what the model writes is completed anew" if found.recomplete else "all other tokens stay"
    lines = [
        f"{found.model}: which token affects which output, {found.dtype} on {found.device}",
        f"  {found.texts} texts ({drawn}); one token is changed, {kept}",
        "",
        "what the logit of the predicted token loses, on average (. where nothing reaches, blank where not seen)",
        *_matrix(found, lambda i, j: f"{found.effect[i, j]:.2f}"),
        "",
        "how often another token is predicted",
        *_matrix(found, lambda i, j: f"{100 * found.changed[i, j]:.0f} %"),
        "",
    ]
    for output in found.outputs[:MOST_COLUMNS]:
        reach = " ".join(map(plain_label, found.affecting(output.name))) or "nothing"
        lines.append(f"  {plain_label(output.name)} depends on {reach}")
    return "\n".join(lines)


def _matrix(found: Attribution, cell: object) -> list[str]:
    assert callable(cell)
    rows = [["", *(plain_label(output.name) for output in found.outputs[:MOST_COLUMNS])]]
    for i, name in enumerate(found.inputs):
        cells = []
        for j in range(min(MOST_COLUMNS, len(found.outputs))):
            seen = found.effect[i, j] == found.effect[i, j]
            cells.append(str(cell(i, j)) if found.reaches[i, j] else "." if seen else "")
        rows.append([plain_label(name), *cells])
    more = len(found.outputs) - MOST_COLUMNS
    return [*table(rows), *([f"  and {more} more outputs (see --json)"] if more > 0 else [])]


def render_probes(found: Probes) -> str:
    lines = [
        f"{found.model}: linear probes, {found.dtype} on {found.device}",
        f"  fitted to {found.fitted:,} texts, judged on {found.held_out:,} others, seed {found.seed}"
        + (f", ridge {found.ridge:g}" if found.ridge else ""),
        "",
    ]
    rows = [["target", "at", "site", "mean error", "R^2", "the mean errs by", "values"]]
    for one in found.probes:
        r2 = "-" if one.r2 is None else f"{one.r2:.6f}"
        ends = f"{one.low:.10g}..{one.high:.10g}"
        numbers = [f"{one.mae:.4g}", r2, f"{one.guess:.4g}", ends]
        rows.append([plain_label(one.target), plain_label(one.place), one.site, *numbers])
    return "\n".join([*lines, *table(rows)])


def render_tree(found: Tree) -> str:
    """The output, the edges of the last layer, and under each site what was brought there for it."""
    drawn = "one text" if found.seed is None else f"{found.texts} texts, seed {found.seed}"
    lines = [
        f"{found.model}: what {found.output.name}, predicted at {found.names[found.output.after]}, is made of",
        f"  {drawn}; edges of at least {found.least:g} of the attention that matter; {found.dtype} on {found.device}",
        "",
    ]
    top = found.layers - 1
    last = [edge for edge in found.edges if edge.layer == top]
    for edge in last:
        lines += _branch(found, edge, 1)
    rest = [edge for edge in found.edges if edge.layer < top and edge.query == found.output.after and not edge.readers]
    for edge in rest:
        lines += _branch(found, edge, 1)
    return "\n".join(lines if found.edges else [*lines, "  nothing"])


def _branch(found: Tree, edge: Edge, depth: int) -> list[str]:
    names = found.names
    leaves = " ".join(names[p] for p in found.leaves(edge))
    head = f"L{edge.layer}H{edge.index} {plain_label(edge.head)}"
    lines = [f"{'  ' * depth}{head}  {names[edge.query]} looks at {names[edge.key]}  {edge.attention:.4g}  ({leaves})"]
    for other in found.edges:
        if other.query == edge.key and (edge.layer, edge.index) in other.readers:
            lines += _branch(found, other, depth + 1)
    if (edge.layer, edge.key) in found.own:
        lines.append(f"{'  ' * (depth + 1)}and the token of {names[edge.key]} itself")
    return lines


def render_points(found: Points) -> str:
    first, second = found.axes
    shares, size = found.shares, f"{len(first.tokens)} x {len(second.tokens)} points"
    lines = [
        f"{found.model}: {found.site} at {found.at}, {size}, {found.dtype} on {found.device}",
        f"  the other tokens are those of: {' '.join(map(plain_label, found.text))}",
        "",
        f"  principal components hold {', '.join(percent(float(v)) for v in found.variance)} of the variance",
        f"  {first.name} alone {percent(shares[0])}, {second.name} alone {percent(shares[1])}, their interplay "
        f"{percent(shares[2])}: a Minkowski sum explains {percent(found.additive)}",
        f"  radii {found.radii[0]:.4g} and {found.radii[1]:.4g}",
    ]
    for axis, spectrum in zip(found.axes, found.spectra, strict=True):
        if spectrum is not None:
            parts = ", ".join(f"{k}: {percent(v)}" for k, v in enumerate(spectrum) if v > 1e-6)
            lines.append(f"  {axis.name} by frequency: {parts}")
    return "\n".join(lines)
