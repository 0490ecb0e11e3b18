"""A picture of a diagram without graphviz: boxes in layers, arrows down (after Sugiyama, Tagawa and Toda, 1981).

A box stands one rank below the lowest of those that it needs. An arrow over several ranks has a place of its own in
each, and goes askew between ranks only, so that it crosses no box. Lengths are in points,
72 to the inch; y grows downwards.
"""

from dataclasses import dataclass, field
from typing import Any

from kerasish.models.diagram import Box, Diagram

SIZE, PAD, GAP, RANK_GAP = 9.0, 7.0, 16.0, 30.0  # of the text; round it; beside a box; between ranks
LINE = SIZE + PAD
DIRECTIONS = ("TB", "BT", "LR", "RL")
MOST_PIXELS = 60_000  # a side of a picture


@dataclass
class Spot:
    """A box, or a place that an arrow passes: its middle, its size, and the height of its rank."""

    width: float
    height: float
    rank: float = 0.0
    x: float = 0.0
    y: float = 0.0
    box: Box | None = None
    inside: "Layout | None" = None


@dataclass
class Layout:
    """Where everything is drawn."""

    spots: list[Spot] = field(default_factory=list)
    paths: list[list[int]] = field(default_factory=list)  # spots that each arrow passes
    width: float = 0.0
    height: float = 0.0


def lay_out(diagram: Diagram, rankdir: str = "TB") -> Layout:
    """Return where each box and arrow of a diagram is drawn.

    Raises:
        ValueError: the direction is unknown.
    """
    if rankdir not in DIRECTIONS:
        raise ValueError(f"argument `rankdir` must be one of {', '.join(DIRECTIONS)}, got {rankdir!r}")
    out = Layout([_spot(box, rankdir) for box in diagram.boxes])
    across = rankdir in ("LR", "RL")
    for s in out.spots if across else ():
        s.width, s.height = s.height, s.width
    ranks = _ranked(out, [(a.box, b.box) for a, b in diagram.arrows])
    steps = {i: r for r, rank in enumerate(ranks) for i in rank}
    links = [(a, b) if steps[a] < steps[b] else (b, a) for p in out.paths for a, b in zip(p, p[1:], strict=False)]
    _set_y(out, ranks)
    _order(ranks, links)
    _set_x(out, ranks, links)
    for s in out.spots:
        if across:
            s.x, s.y, s.width, s.height = s.y, s.x, s.height, s.width
        s.x = -s.x if rankdir == "RL" else s.x
        s.y = -s.y if rankdir == "BT" else s.y
    return _framed(out)


def _spot(box: Box, rankdir: str) -> Spot:
    if box.inside is not None:
        inside = lay_out(box.inside, rankdir)
        return Spot(max(inside.width, _text_width(box.title)) + 2 * GAP, inside.height + 2 * GAP + LINE,
                    box=box, inside=inside)
    lines = [box.title, *box.rows]
    return Spot(max(map(_text_width, lines)) + 2 * PAD, LINE * (len(lines) + (box.trainable is not None)), box=box)


def _text_width(text: str) -> float:
    return 0.62 * SIZE * len(text)


def _ranked(out: Layout, arrows: list[tuple[int, int]]) -> list[list[int]]:
    """Spots by rank, those that long arrows pass among them; a path an arrow.

    A box stands after those that it needs; where it is called again later, an arrow goes back to it, and one from a
    box to itself is not drawn.
    """
    rank = [0] * len(out.spots)
    for source, target in sorted(arrows):
        if source < target:
            rank[target] = max(rank[target], rank[source] + 1)
    ranks: list[list[int]] = [[] for _ in range(max(rank, default=0) + 1)]
    for i, r in enumerate(rank):
        ranks[r].append(i)
    for source, target in dict.fromkeys((a, b) for a, b in arrows if a != b):
        between = sorted((rank[source], rank[target]))
        passed = list(range(len(out.spots), len(out.spots) + between[1] - between[0] - 1))
        for s, r in zip(passed, range(between[0] + 1, between[1]), strict=True):
            out.spots.append(Spot(1.0, 1.0))
            ranks[r].append(s)
        out.paths.append([source, *(passed if rank[source] < rank[target] else passed[::-1]), target])
    return ranks


def _neighbours(links: list[tuple[int, int]], upwards: bool) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for a, b in links:
        found.setdefault(b if upwards else a, []).append(a if upwards else b)
    return found


def _order(ranks: list[list[int]], links: list[tuple[int, int]]) -> None:
    """Sort each rank by the mean places of its neighbours, down and up in turn, so that few arrows cross."""
    for sweep in range(6):
        near = _neighbours(links, upwards=sweep % 2 == 0)
        place = {s: i for rank in ranks for i, s in enumerate(rank)}
        for rank in ranks if sweep % 2 == 0 else ranks[::-1]:
            rank.sort(key=lambda s: sum(place[n] for n in near[s]) / len(near[s]) if s in near else place[s])
            place.update({s: i for i, s in enumerate(rank)})


def _set_y(out: Layout, ranks: list[list[int]]) -> None:
    top = 0.0
    for rank in ranks:
        height = max((out.spots[s].height for s in rank), default=0.0)
        for s in rank:
            out.spots[s].y, out.spots[s].rank = top + height / 2, height
        top += height + RANK_GAP


def _set_x(out: Layout, ranks: list[list[int]], links: list[tuple[int, int]]) -> None:
    """Draw each spot to the middle of its neighbours as far as those beside it let it."""
    spots = out.spots
    for sweep in range(9):
        near = _neighbours(links, upwards=sweep % 2 == 0)
        for rank in ranks if sweep % 2 == 0 else ranks[::-1]:
            wish = [sum(spots[n].x for n in near[s]) / len(near[s]) if s in near else spots[s].x for s in rank]
            apart = [(spots[a].width + spots[b].width) / 2 + GAP for a, b in zip(rank, rank[1:], strict=False)]
            left, right = list(wish), list(wish)
            for i, d in enumerate(apart):
                right[i + 1] = max(wish[i + 1], right[i] + d)
            for i, d in reversed(list(enumerate(apart))):
                left[i] = min(wish[i], left[i + 1] - d)
            for s, a, b in zip(rank, left, right, strict=True):
                spots[s].x = (a + b) / 2


def _framed(out: Layout) -> Layout:
    """Move everything so that the left top corner is the origin, and note the size."""
    left = min((s.x - s.width / 2 for s in out.spots), default=0.0)
    top = min((s.y - s.height / 2 for s in out.spots), default=0.0)
    for s in out.spots:
        s.x, s.y = s.x - left, s.y - top
    out.width = max((s.x + s.width / 2 for s in out.spots), default=0.0)
    out.height = max((s.y + s.height / 2 for s in out.spots), default=0.0)
    return out


def draw(diagram: Diagram, to_file: Any, file_format: str, rankdir: str, dpi: float) -> None:
    """Draw a diagram into a file, with Matplotlib.

    Args:
        diagram: what is drawn.
        to_file: path.
        file_format: such as "png", "svg" or "pdf".
        rankdir: "TB", "BT", "LR" or "RL": the way the arrows go.
        dpi: dots per inch, fewer for a picture that would be too large.

    Raises:
        ImportError: Matplotlib is not installed.
        ValueError: the direction or the format is unknown.
    """
    layout = lay_out(diagram, rankdir)
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plot_model needs Matplotlib, or pydot and graphviz: pip install 'kerasish[plot]'") from error
    width, height = layout.width + 2 * GAP, layout.height + 2 * GAP
    figure = Figure(figsize=(width / 72, height / 72))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(-GAP, width - GAP), ylim=(height - GAP, -GAP))
    axes.set_axis_off()
    _draw_layout(axes, layout, 0.0, 0.0, along_y=rankdir in ("TB", "BT"))
    figure.savefig(to_file, format=file_format, dpi=min(dpi, MOST_PIXELS * 72 / max(width, height)))


def _draw_layout(axes: Any, layout: Layout, left: float, top: float, along_y: bool) -> None:
    for path in layout.paths:
        points = [(left + x, top + y) for x, y in _route([layout.spots[s] for s in path], along_y)]
        axes.plot(*zip(*points[:-1], strict=True), color="black", linewidth=1.0, solid_joinstyle="round")
        axes.annotate("", points[-1], points[-2], arrowprops={"arrowstyle": "-|>", "color": "black", "shrinkA": 0,
                                                              "shrinkB": 0})
    for spot in layout.spots:
        if spot.box is not None:
            _draw_box(axes, spot, left, top, along_y)


def _route(spots: list[Spot], along_y: bool) -> list[tuple[float, float]]:
    """The points of an arrow: from the edge of one box to the edge of another."""
    first, last = spots[0], spots[-1]
    sign = 1 if (last.y > first.y if along_y else last.x > first.x) else -1

    def beside(s: Spot, way: int, size: float) -> tuple[float, float]:
        return (s.x, s.y + way * size / 2) if along_y else (s.x + way * size / 2, s.y)

    def edge(s: Spot, way: int) -> tuple[float, float]:
        return beside(s, way, s.height if along_y else s.width)

    passed = [beside(s, way, s.rank) for s in spots for way in (-sign, sign)]
    return list(dict.fromkeys([edge(first, sign), *passed[1:-1], edge(last, -sign)]))


def _draw_box(axes: Any, spot: Spot, left: float, top: float, along_y: bool) -> None:
    from matplotlib.patches import Rectangle

    box: Box = spot.box  # type: ignore[assignment]
    x, y = left + spot.x - spot.width / 2, top + spot.y - spot.height / 2
    if spot.inside is not None:
        axes.add_patch(Rectangle((x, y), spot.width, spot.height, fill=False, linestyle="--", edgecolor="gray"))
        axes.text(x + PAD, y + LINE / 2, box.title, size=SIZE, va="center")
        _draw_layout(axes, spot.inside, x + (spot.width - spot.inside.width) / 2, y + GAP + LINE, along_y)
        return
    trains = [] if box.trainable is None else ["Trainable" if box.trainable else "Non-trainable"]
    for i, text in enumerate([box.title, *box.rows, *trains]):
        color = "black" if i == 0 else "white"
        if trains and i == len(box.rows) + 1:
            color = "forestgreen" if box.trainable else "firebrick"
        axes.add_patch(Rectangle((x, y + i * LINE), spot.width, LINE, facecolor=color, edgecolor="black"))
        axes.text(left + spot.x, y + (i + 0.5) * LINE, text, size=SIZE, ha="center", va="center",
                  color="black" if color == "white" else "white")
