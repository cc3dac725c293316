"""The report's pictures for the Dagster UI: ROC, calibration and the differences from the champion."""

from mlplatform.evaluate.charts_frame import Points
from mlplatform.evaluate.inline_svg import markdown, path
from mlplatform.evaluate.markdown import escaped
from mlplatform.evaluate.report_input import ReportInput, finite
from mlplatform.evaluate.report_markdown import gates, report_markdown
from mlplatform.evaluate.report_performance import in_margins
from mlplatform.evaluate.report_words import name

SIDE = 100  # Of a square picture, in its own units.
POINTS = 18  # Of a curve: more do not fit, and a thumb's width shows no more.
BINS = 10  # Of a calibration: of more quantiles than that some.
ROW = 14  # Of the forest plot.
ROWS = 5
BLUE, RED, GREY = "#07b", "#d50", "#999"
DASH = "4 3"


def pictures(given: ReportInput) -> dict[str, str]:
    """Return Markdown by name: pictures of less than 1,000 characters, the gates, and the report in short."""
    drawn = {
        "roc": roc(given),
        "calibration": calibration(given),
        "against_champion": against_champion(given),
        "gates": gates(given),
        "report": report_markdown(given),
    }
    return {what: said for what, said in drawn.items() if said}


def roc(given: ReportInput) -> str:
    """Return the ROC curve, the champion's dashed; nothing where there is none."""
    theirs = given.champion.curves.roc if given.champion else ()
    if not given.curves.roc:
        return ""
    said = f"AUC {given.metrics.get('auc', float('nan')):.3f}"
    said += (
        f"; dashed: champion {given.champion.metrics.get('auc', float('nan')):.3f}"
        if given.champion and theirs
        else ""
    )
    lines = path(_way(given.curves.roc), BLUE, 2) + (
        path(_way(theirs), RED, 1, DASH) if theirs else ""
    )
    return markdown(said, "ROC curve", _square() + lines, (SIDE, SIDE), 180)


def calibration(given: ReportInput) -> str:
    """Return what is true against what is said, as dots on the diagonal where it is perfect."""
    every = given.curves.calibration
    if not every:
        return ""
    bins = every[:: -(-len(every) // BINS)]
    dots = "".join(f"{_at(b.score, b.share)}h0" for b in bins).replace("L", "M")
    whiskers = "".join(f"M{_x(b.score)} {_y(b.lower)}V{_y(b.upper)}" for b in bins)
    drawn = _square() + path(whiskers, BLUE, 1) + path(dots, BLUE, 4)
    return markdown(
        "Calibration: dots on the dotted line are perfect", "calibration", drawn, (SIDE, SIDE), 180
    )


def against_champion(given: ReportInput) -> str:
    """Return each difference with its bounds, in margins: left of the dashed line is worse than may be."""
    rows = given.evidence("performance", "compared")[:ROWS]
    scaled = [three for row in rows if None not in (three := in_margins(row))]
    if not scaled or len(scaled) < len(rows):
        return ""
    ends = [min(v for three in scaled for v in three if v is not None), -1.2]
    low, high = min(ends), max(0.2, *(v for three in scaled for v in three if v is not None))

    def x(value: float | None) -> int:
        return round(240 * ((value or 0.0) - low) / (high - low))

    height = ROW * len(scaled)
    marks = path(f"M{x(-1)} 0V{height}", GREY, 1, DASH) + path(f"M{x(0)} 0V{height}", GREY, 1)
    middles = [ROW * at + ROW // 2 for at in range(len(scaled))]
    bars = "".join(
        f"M{x(three[1])} {y}H{x(three[2])}" for three, y in zip(scaled, middles, strict=True)
    )
    dots = "".join(f"M{x(three[0])} {y}h0" for three, y in zip(scaled, middles, strict=True))
    named = ", ".join(
        f"{escaped(name(str(r.get('metric'))))[:20]} {finite(r, 'better') or 0.0:+.4f}"
        for r in rows
    )
    said = f"Better than the champion by: {named}. Dashed: the margin"
    return markdown(
        said, "differences", marks + path(bars, BLUE, 2) + path(dots, BLUE, 6), (240, height)
    )


def _square() -> str:
    return path(f"M0 0V{SIDE}H{SIDE}", GREY, 1) + path(f"M0 {SIDE}L{SIDE} 0", GREY, 1, "1 4")


def _way(points: Points) -> str:
    """Return a rising curve by few points, as far apart from each other along it as they can be."""
    far, few = 0.0, [points[0]]
    for at, point in enumerate(points):
        if sum(point) - far >= 2 / POINTS or at == len(points) - 1:
            far = sum(point)
            few.append(point)
    return "M" + "".join(_at(x, y) for x, y in few)[1:]


def _at(x: float, y: float) -> str:
    return f"L{_x(x)} {_y(y)}"


def _x(share: float) -> int:
    return round(SIDE * min(max(share, 0.0), 1.0))


def _y(share: float) -> int:
    return SIDE - _x(share)
