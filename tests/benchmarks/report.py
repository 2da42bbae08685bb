"""The report as a Markdown table and as a plot."""

from importlib import import_module
from pathlib import Path
from typing import Any

from .runner import Line, Report, Row


def table(report: Report) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| measured | median | quartiles | goal | met |", "|---|---|---|---|---|"]
    for row in report.rows:
        met = {True: "yes", False: "**no**", None: ""}[row.met]
        spread = f"{row.low:.2f} to {row.high:.2f}"
        lines.append(f"| {row.name} | {row.value:.2f} {row.unit} | {spread} | {row.goal} | {met} |")
    return "\n".join(lines)


def plot(report: Report, path: Path) -> None:
    """Draw the ratios as bars around 1, and the lines below the bars."""
    import_module("matplotlib").use("Agg")
    pyplots: Any = import_module("matplotlib.pyplot")
    rows = [row for row in report.rows if row.unit == "×" and row.goal]
    count = len(report.lines)
    figure = pyplots.figure(figsize=(9, (0.24 * len(rows) + 1 if rows else 0) + (3.4 if count else 0)), dpi=80)
    grid = figure.add_gridspec(2 if rows and count else 1, max(count, 1), height_ratios=_heights(len(rows), count))
    if rows:
        _bars(figure.add_subplot(grid[0, :]), rows)
    for column, (title, lines) in enumerate(report.lines.items()):
        _curves(figure.add_subplot(grid[-1, column]), title, lines)
    figure.tight_layout()
    figure.savefig(path)


def _heights(rows: int, lines: int) -> list[float]:
    return [height for height in (0.24 * rows + 1 if rows else 0, 3.4 if lines else 0) if height]


def _bars(axes: Any, rows: list[Row]) -> None:
    names, values = [row.name for row in rows], [row.value for row in rows]
    errors = [[max(row.value - row.low, 0) for row in rows], [max(row.high - row.value, 0) for row in rows]]
    axes.invert_yaxis()
    axes.barh(names, values, xerr=errors, color="#4878a8", ecolor="#222222")
    axes.axvline(1, color="#222222", linewidth=0.8)
    axes.set_xscale("log")
    axes.tick_params(labelsize=7)
    axes.set_title("ratios of medians, with quartiles", fontsize=9)


def _curves(axes: Any, title: str, lines: dict[str, Line]) -> None:
    for name, points in lines.items():
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", markersize=3, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title, fontsize=8)
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=6)
