"""The page in a browser: on a phone nothing is wider than the screen, whatever the names are."""

import re
import shutil
import subprocess
from dataclasses import replace
from html import escape

import numpy as np
import pytest

from mlplatform.evaluate.curves import curves_of
from mlplatform.evaluate.report import render
from mlplatform.features.predicts import Predicts
from mlplatform_tests.evaluate.test_report import TASKS, cached

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PHONE = 390  # Pixels across.
LONG = "a_name_without_any_place_to_break_it_" * 4
# Pages allow no script, so a page around them looks into its frames; a window is never as narrow as a phone.
TELL = """<script>addEventListener("load", () => {
document.body.dataset.seen = [...document.querySelectorAll("iframe")].map(frame => {
const root = frame.contentDocument.documentElement; return root.clientWidth + " " + root.scrollWidth }).join(";") })
</script>"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


def widths(pages: list[str], folder, across: int) -> list[tuple[int, int]]:
    """Return how wide a frame is, and how wide what is in it, for each page."""
    style = f"width:{across}px;height:900px;border:0"
    frames = "".join(f'<iframe style="{style}" srcdoc="{escape(page)}"></iframe>' for page in pages)
    (folder / "frames.html").write_text(f"<!doctype html><body>{frames}{TELL}</body>")
    browser = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--dump-dom",
    ]
    browser += ["--window-size=1400,900", "--virtual-time-budget=5000"]
    browser += [f"--user-data-dir={folder / 'profile'}", (folder / "frames.html").as_uri()]
    done = subprocess.run(browser, capture_output=True, timeout=120, check=True, text=True)
    (seen,) = re.findall(r'data-seen="([^"]+)"', done.stdout)
    return [tuple(map(int, each.split())) for each in seen.split(";")]


def many_classes():
    """Return a report of twelve classes with long names, and of a gate and a slice with longer ones."""
    predicts = Predicts("multiclass", tuple(f"{LONG}{n}" for n in range(12)))
    labels = np.repeat(np.arange(12), 9)
    given = cached("multiclass")
    return replace(
        given, predicts=predicts, pipeline=LONG, curves=curves_of(predicts, labels, np.eye(12)[labels]),
        verdicts=[replace(v, because=f"{LONG} {v.because}", gate=v.gate) for v in given.verdicts]
        + [replace(given.verdicts[0], gate=LONG)],
        slices=[{**row, "slice": f"{LONG}={LONG}"} for row in given.slices],
        provenance={LONG: LONG},
    )  # fmt: skip


@pytest.mark.parametrize("across", [PHONE, 1280])
def test_nothing_is_wider_than_the_screen(across, tmp_path):
    given = [*(cached(task) for task in TASKS), many_classes()]
    seen = widths([render(each) for each in given], tmp_path, across)
    assert [(across, inside) for _, inside in seen if inside > across] == []
    assert {wide for wide, _ in seen} == {across}


def test_what_is_too_wide_would_be_seen(tmp_path):
    """The measuring itself can fail."""
    wide = '<p style="width:900px">x</p>'
    assert widths([wide], tmp_path, PHONE)[0][1] >= 900


def last_lines(page: str, folder) -> list[str]:
    """Return the last three lines of each printed page, above its number."""
    (folder / "page.html").write_text(page)
    browser = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    browser += [f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={folder / 'page.pdf'}"]
    subprocess.run(
        [*browser, (folder / "page.html").as_uri()], capture_output=True, timeout=120, check=True
    )
    told = subprocess.run(
        ["pdftotext", "-layout", folder / "page.pdf", "-"],
        capture_output=True, check=True, text=True, timeout=60,
    )  # fmt: skip
    pages = [[line.strip() for line in one.splitlines()] for one in told.stdout.split("\f")]
    words = [
        [line for line in one if line and not re.fullmatch(r"\d+ / \d+", line)] for one in pages
    ]
    return [line for one in words for line in one[1:][-3:]]


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="there is no poppler on this machine")
@pytest.mark.parametrize("room", [0, 21, 28, 35])
def test_no_printed_page_ends_with_a_heading_and_nothing_of_its_section(room, tmp_path):
    """However far down the page begins."""
    page = render(cached("binary"))
    heads = set(re.findall(r"<h[23]>([^<]+)</h[23]>", page))
    lower = page.replace("<main>", f'<main><div style="height:{room}rem"></div>')
    assert not heads & set(last_lines(lower, tmp_path))


def test_the_name_of_a_column_is_not_broken(tmp_path):
    """A column of short names is as wide as they are, beside one of long sentences."""
    page = render(cached("binary"))
    assert 'class="whole" style="min-width:4ch">sex' in page
