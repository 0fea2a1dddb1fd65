"""Which layer each line belongs to: heads and computes of the first level, and computes that wait for one another.

In: statements (families written out).  Out: ``Schedule``: the layers, and what is to be said of them.  Not for: whether
what is read has been written at all (``liveness``).

Lines of a ``layer`` stay where they were put, and the layers keep their order.  Everything else runs as early as
what it reads allows, so there are as few layers as dependencies permit.  Time counts half layers: the heads of layer l
run at 2l, what it computes at 2l + 1; and whoever reads a subspace runs after all that write it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from compiler import limits
from compiler.computing import Split, read_subspaces
from compiler.resolution.computes import NO_SPLITS
from compiler.resolution.mentions import names_in, read_by, written_by
from compiler.resolution.scope import Scope, fail
from compiler.resolution.steps import Placed, earlier_layers
from dsl import tree as T
from dsl.diagnostics import Note
from dsl.head_lines import MatrixLine
from dsl.span import Span
from dsl.tree import ComputeDecl, EmbedDecl, HeadDecl, LayerDecl, LayerItem, Statement, SubspaceDecl


@dataclass(frozen=True)
class Schedule:
    """``sound``: every line has its layer; otherwise the layers as written, and the mistakes are in the scope.

    ``parts``: the layer of every step before a line."""

    layers: tuple[LayerDecl, ...]
    remarks: tuple[str, ...] = ()
    sound: bool = True
    parts: Mapping[str, int] = field(default_factory=dict)


@dataclass
class _Task:
    """A line, or a whole ``layer`` block, that runs at one time.  ``after``: who runs before it, and by how much.

    ``late`` lines (computes) run at odd times; a block's time is that of its heads.  ``part_of``: the line that a part
    of it is computed for."""

    name: str
    item: LayerItem | LayerDecl
    reads: frozenset[str]
    writes: frozenset[str]
    late: bool = False
    earliest: int = 0
    spilled: str = ""
    part_of: _Task | None = None
    after: list[_Wait] = field(default_factory=list)


@dataclass(frozen=True)
class _Wait:
    """``task`` has run ``delay`` half layers before, since it writes ``subspace`` (or is the layer above)."""

    task: _Task
    delay: int
    subspace: str = ""


def schedule(scope: Scope, statements: Sequence[Statement], splits: Mapping[int, Split] = NO_SPLITS) -> Schedule:
    """Every head and compute line in a layer; E0485 for lines that wait for one another, E0487 for a head of which
    nobody knows what it reads.

    ``splits``: lines that are computed in steps, by the identity of their declarations; E0520 where a ``layer`` block
    leaves no layer for a step."""
    blocks = [s for s in statements if isinstance(s, LayerDecl)]
    if len(blocks) > limits.LAYERS:  # refused before every pair of them is looked at
        with scope.attempt():
            limits.check_size(len(blocks), limits.LAYERS, "layers", blocks[-1].span)
        scope.errors.check()
    names = frozenset(s.name for s in statements if isinstance(s, SubspaceDecl))
    ready = {s.target for s in statements if isinstance(s, EmbedDecl)}
    ready |= {s.name for s in statements if isinstance(s, SubspaceDecl) and _is_constant(s)}
    loose: list[_Task] = []
    written = Schedule(tuple(blocks), sound=False)
    for statement in statements:
        with scope.attempt():
            if isinstance(statement, HeadDecl | ComputeDecl):
                loose.append(_loose(statement, names))
    if len(loose) < sum(isinstance(s, HeadDecl | ComputeDecl) for s in statements):
        return written
    kept = [_kept(block, number, blocks, ready, names, loose) for number, block in enumerate(blocks)]
    if not loose and not splits:
        return Schedule(tuple(blocks))
    loose += [part for task in tuple(loose) for part in _parts_of(task, splits)]
    tasks = [*kept, *loose]
    _connect(kept, loose, ready, names)
    try:
        times = _times(tasks)
    except _Cycle as cycle:
        with scope.attempt():
            _refuse(cycle.tasks)
        return written
    parts = {task.name: times[id(task)] // 2 for task in loose if task.part_of}
    with scope.attempt():
        parts |= earlier_layers(splits, [_placed(task, times) for task in tasks if not task.part_of])
    return _layers(kept, [task for task in loose if not task.part_of], times, parts)


def _is_constant(decl: SubspaceDecl) -> bool:
    return decl.encoding is not None and decl.encoding.kind == "constant"


# ------------------------------------------------------------------ lines and blocks as tasks


def _loose(item: HeadDecl | ComputeDecl, names: frozenset[str]) -> _Task:
    """A line that is put into the earliest layer."""
    if isinstance(item, ComputeDecl):
        reads = frozenset(names_in(item.value)) & names
        return _Task(f"`compute {item.target}`", item, reads, frozenset({item.target}), late=True, earliest=1)
    for line in item.lines:
        if isinstance(line, MatrixLine) and line.form == "entries":
            help = "indent it below `layer`, or give the matrix by `rows` and `columns` of named directions"
            found = f"nobody can tell what head `{item.name}` reads, so it cannot be put into a layer"
            fail("E0487", found, line.span, label="entries by coordinate", help=help)
    reads = frozenset(read_by(item)) & names
    earliest = 0 if item.at is None else 2 * item.at[0]
    return _Task(f"head `{item.name}`", item, reads, frozenset(written_by(item)), earliest=earliest)


def _parts_of(task: _Task, splits: Mapping[int, Split]) -> list[_Task]:
    """The steps before a line, each as soon as what it reads has been written; the line waits for them."""
    split = splits.get(id(task.item))
    found = []
    for part in () if split is None else split.parts:
        reads = frozenset(read_subspaces(part.value))
        found.append(_Task(part.name, task.item, reads, frozenset({part.name}), late=True, earliest=1, part_of=task))
        task.reads |= {part.name}
    return found


def _kept(
    block: LayerDecl,
    number: int,
    blocks: Sequence[LayerDecl],
    ready: set[str],
    names: frozenset[str],
    loose: list[_Task],
) -> _Task:
    """A ``layer`` block; computes that wait for another one of it join the ``loose`` lines."""
    before = {*ready, *(n for earlier in blocks[:number] for item in earlier.items for n in written_by(item))}
    before |= {name for head in block.heads for name in written_by(head)}
    here = {compute.target for compute in block.computes} - before
    items: list[LayerItem] = []
    for item in block.items:
        waits = sorted(here & frozenset(names_in(item.value)) - {item.target}) if isinstance(item, ComputeDecl) else []
        if isinstance(item, ComputeDecl) and waits:
            task = _loose(item, names)
            task.spilled = waits[0]
            loose.append(task)
        else:
            items.append(item)
    heads = frozenset(n for item in items if isinstance(item, HeadDecl) for n in read_by(item))
    return _Task("the layer", T.LayerDecl(tuple(items), span=block.span), heads & names, frozenset())


# ------------------------------------------------------------------ who waits for whom


def _connect(kept: Sequence[_Task], loose: Sequence[_Task], ready: set[str], names: frozenset[str]) -> None:
    """Fill in ``after``.  A block waits for a loose line only where nothing else has written what it reads."""
    for task in loose:
        for other in loose:
            if other is not task and other is not task.part_of:
                task.after += [_Wait(other, 1, name) for name in sorted(task.reads & other.writes)]
        for block in kept:
            for item in _items(block):
                late = isinstance(item, ComputeDecl)
                shared = sorted(task.reads & frozenset(written_by(item)))
                task.after += [_Wait(block, 1 + late, name) for name in shared]
    before = set(ready)
    for number, block in enumerate(kept):
        if number:
            block.after.append(_Wait(kept[number - 1], 2))
        computed = {n for item in _items(block) if isinstance(item, ComputeDecl) for n in names_in(item.value)} & names
        here = {n for item in _items(block) if isinstance(item, HeadDecl) for n in written_by(item)}
        for other in loose:
            block.after += [_Wait(other, 1, name) for name in sorted((block.reads - before) & other.writes)]
            block.after += [_Wait(other, 0, name) for name in sorted((computed - before - here) & other.writes)]
        before |= {name for item in _items(block) for name in written_by(item)}


def _items(block: _Task) -> tuple[LayerItem, ...]:
    assert isinstance(block.item, LayerDecl)
    return block.item.items


class _Cycle(Exception):
    def __init__(self, tasks: list[_Task]) -> None:
        self.tasks = tasks


def _times(tasks: Sequence[_Task]) -> dict[int, int]:
    """The earliest time of every task, by id.  Raises ``_Cycle``."""
    followers: dict[int, list[tuple[_Task, int]]] = {id(task): [] for task in tasks}
    missing = {id(task): len(task.after) for task in tasks}
    for task in tasks:
        for wait in task.after:
            followers[id(wait.task)].append((task, wait.delay))
    times = {id(task): task.earliest for task in tasks}
    pending = [task for task in tasks if not task.after]
    done = 0
    while pending:
        task = pending.pop()
        done += 1
        if times[id(task)] % 2 != task.late:
            times[id(task)] += 1
        for follower, delay in followers[id(task)]:
            times[id(follower)] = max(times[id(follower)], times[id(task)] + delay)
            missing[id(follower)] -= 1
            if not missing[id(follower)]:
                pending.append(follower)
    if done < len(tasks):
        raise _Cycle(_cycle([task for task in tasks if missing[id(task)]]))
    return times


def _cycle(tasks: list[_Task]) -> list[_Task]:
    """Tasks each of which waits for the next, and the last for the first."""
    left = {id(task) for task in tasks}
    path: list[_Task] = []
    task = tasks[0]
    while not any(task is seen for seen in path):
        path.append(task)
        task = next(wait.task for wait in task.after if id(wait.task) in left)
    return path[next(i for i, seen in enumerate(path) if seen is task) :]


def _refuse(tasks: list[_Task]) -> None:
    """E0485: who waits for whom, all around."""
    parts, notes = [], []
    for task, other in zip(tasks, [*tasks[1:], tasks[0]], strict=True):
        wait = next(w for w in task.after if w.task is other)
        what = (
            f"`{wait.subspace}`, which {other.name} writes" if wait.subspace else "what the layer above it has written"
        )
        parts.append(f"{task.name} reads {what}")
        notes.append(Note(_span(task), parts[-1]))
    help = "break the circle: write into a new subspace, or put the lines into `layer` blocks in the order they run in"
    if len(tasks) == 1:
        fail("E0485", parts[0], _span(tasks[0]), label="waits for itself", help=help)
    fail(
        "E0485",
        "these lines wait for one another: " + "; ".join(parts),
        _span(tasks[0]),
        label="waits for the others",
        help=help,
        notes=tuple(notes[1:]),
    )


def _span(task: _Task) -> Span:
    item = task.item
    return item.name_span if isinstance(item, HeadDecl) else item.span


# ------------------------------------------------------------------ the layers


def _placed(task: _Task, times: dict[int, int]) -> Placed:
    """The lines of a task, and their layer."""
    layer = times[id(task)] // 2
    if isinstance(task.item, LayerDecl):
        return Placed(layer, task.item.items, loose=False)
    return Placed(layer, (task.item,), loose=True)


def _layers(kept: Sequence[_Task], loose: Sequence[_Task], times: dict[int, int], parts: Mapping[str, int]) -> Schedule:
    layers: dict[int, list[LayerItem]] = {}
    spans: dict[int, Span] = {}
    for task in (*kept, *loose):
        number = times[id(task)] // 2
        items = _items(task) if isinstance(task.item, LayerDecl) else (task.item,)
        layers.setdefault(number, []).extend(items)
        spans.setdefault(number, _span(task))
    remarks = [
        f"{task.name} reads `{task.spilled}`, which its own layer computes: it runs in layer {times[id(task)] // 2}"
        for task in loose
        if task.spilled
    ]
    depth = max(layers, default=-1) + 1
    empty = Span()
    return Schedule(
        tuple(LayerDecl(tuple(layers.get(n, ())), span=spans.get(n, empty)) for n in range(depth)),
        tuple(remarks),
        parts=parts,
    )
