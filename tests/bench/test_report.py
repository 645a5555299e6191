"""The report: what its page says follows from the figures, and its plots are whole."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from bench.compare import verdict
from bench.raw_file import read
from bench.report import RAW, RESULTS, VERDICT
from bench.results_page.charts import Axes, Bar, bars, lines
from bench.results_page.pages import FRONT, pages
from bench.results_page.plots import plots
from bench.results_page.where_we_lose import losses
from tests.bench.sample_results import (
    ACCURACY,
    BOTO3,
    HOT_KEY,
    OURS,
    OURS_ASYNC,
    PEER,
    a_run,
    everywhere,
)

SVG = "{http://www.w3.org/2000/svg}"


def page(raw: dict[str, Any], drawn: set[str], verdict: dict[str, Any] | None = None) -> str:
    """All pages, one after the other."""
    return "\n".join(pages(raw, drawn, verdict).values())


def test_the_summary_says_how_much_less_a_decision_takes_than_a_bare_call() -> None:
    text = pages(a_run(), set())[FRONT]
    assert "takes 100 us of CPU, 20.0 times less than a bare `update_item` of boto3." in text


def test_an_aim_is_reached_or_not_by_the_figures() -> None:
    reached = page(a_run(), set())
    assert "| at least 16 times | 20.0 times | yes |" in reached
    slower = a_run()
    slower["canned"]["results"][OURS] = everywhere(1_000)
    assert "| at least 16 times | 2.00 times | **no** |" in page(slower, set())


def test_one_who_could_not_be_measured_is_named_with_the_reason() -> None:
    assert f"{PEER} was not measured: no such package" in page(a_run(), set())


def test_where_nobody_is_better_nothing_is_lost() -> None:
    assert losses(a_run()) == []
    assert "Nothing, in this run." in page(a_run(), set())


def test_a_peer_that_is_better_in_all_rounds_is_a_loss() -> None:
    run = a_run()
    run["canned"]["results"][PEER] = everywhere(50, cases=("allowed",))
    found = losses(run)
    assert {loss.peer for loss in found} == {PEER}
    assert {loss.figure for loss in found} == {
        "CPU a decision", "decisions a second", "p50 of the wait", "p99 of the wait",
    }  # fmt: skip
    assert all(loss.times == pytest.approx(2) for loss in found)
    assert f"8 figures; best are {PEER} (8)" in page(run, set())


def test_of_several_that_are_better_the_best_is_named() -> None:
    run = a_run()
    run["canned"]["results"][PEER] = everywhere(50, cases=("allowed",))
    run["canned"]["results"]["another"] = everywhere(80, cases=("allowed",))
    found = losses(run)
    assert {(loss.peer, loss.others) for loss in found} == {(PEER, 1)}


def test_a_peer_whose_rounds_overlap_ours_has_not_won() -> None:
    run = a_run()
    run["canned"]["results"][PEER] = everywhere(95, cases=("allowed",))
    assert losses(run) == []


def test_accuracy_is_admitted_over_due_and_says_who_was_not_saturated() -> None:
    text = page(a_run(accuracy=ACCURACY), set())
    assert f"| {OURS} | 1.000 |" in text
    assert f"| {PEER} | 0.500 (a) |" in text


def test_a_hot_key_is_told_with_its_worst_excess_and_the_aims_that_were_missed() -> None:
    text = page(a_run(hot_key=HOT_KEY), set())
    assert "| 20,000/s | 16 | 40,000 | 1.000 | 0.999 | 0.00 | 137 |" in text
    assert "| steady 0.9 < 0.99 |" in text
    assert f"| {OURS_ASYNC} | 20,000/s | 16 (throttled from 40/s on) |" in text
    assert "| met (3 failed: late) |" in text
    assert "not measured: no such package" in text
    assert "of all loads of one hot key | at most 0 | 0 | yes |" in text
    assert "| a leased decision | at most 5 us | 1.70 us | yes |" in text
    over = {**HOT_KEY, "processes": [{**HOT_KEY["processes"][0], "excess": 0.5}]}
    assert "of all loads of one hot key | at most 0 | 0.50 | **no** |" in page(
        a_run(hot_key=over), set()
    )


def test_only_plots_that_were_drawn_are_shown() -> None:
    run = a_run(accuracy=ACCURACY)
    drawn = plots(run)
    shown = set(re.findall(r"\]\(([a-z0-9-]+)\.svg\)", page(run, set(drawn))))
    assert shown == set(drawn)


@pytest.mark.parametrize("name", sorted(plots(a_run(accuracy=ACCURACY))))
def test_a_plot_is_xml_and_has_colours_for_dark_pages(name: str) -> None:
    svg = plots(a_run(accuracy=ACCURACY))[name]
    assert ET.fromstring(svg).tag.endswith("svg")
    assert "prefers-color-scheme:dark" in svg


def test_the_verdict_on_a_second_run_is_shown() -> None:
    assert "can be repeated" not in page(a_run(), set())
    same = page(a_run(), set(), verdict(a_run(), a_run()))
    assert "- 72 of 72 pairs of contenders have" in same
    other = a_run()
    other["canned"]["results"][BOTO3] = everywhere(20)
    text = page(a_run(), set(), verdict(a_run(), other))
    assert f"- not so: canned, allowed, 1 at once, cpu_us: {BOTO3} and {OURS}" in text


def test_the_same_figures_make_the_same_plots_and_no_date_is_in_them() -> None:
    run = a_run(accuracy=ACCURACY)
    once, again = plots(run), plots(run)
    assert once == again
    assert not any("dc:date" in svg for svg in once.values())


def test_labels_are_escaped_and_text_stays_text() -> None:
    svg = bars('a "quoted" <title>', "", [Bar("<b> & $co$", 1, 1, 1, True, "1")])
    texts = [element.text for element in ET.fromstring(svg).iter() if element.text]
    assert "<b> & $co$" in texts
    assert 'a "quoted" <title>' in texts


def test_ours_stands_out_and_the_longest_bar_fits() -> None:
    svg = bars("t", "s", [Bar("a", 1, 1, 1, True, "one"), Bar("b", 900, 800, 990, False, "most")])
    at = {text.text: text.attrib for text in ET.fromstring(svg).iter(f"{SVG}text")}
    assert 0 < float(at["most"]["x"]) < 570 - 20
    assert "font-weight: 700" in at["a"]["style"]
    assert "font-weight" not in at["b"]["style"]


@pytest.mark.parametrize("is_log_y", [True, False])
def test_lines_stay_within_the_picture(is_log_y: bool) -> None:
    series = {"a": {1.0: 0.4, 8.0: 900.0}, "b": {1.0: 3.0}}
    root = ET.fromstring(lines("t", "s", series, Axes("x", "y", is_log_y=is_log_y)))
    _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
    markers = [marker for marker in root.iter(f"{SVG}use") if "x" in marker.attrib]
    assert len(markers) >= 3
    for marker in markers:
        assert 0 <= float(marker.attrib["x"]) <= width
        assert 0 <= float(marker.attrib["y"]) <= height


def test_the_kept_pages_follow_from_the_kept_figures() -> None:
    raw = read(RESULTS / RAW)
    drawn = {file.stem for file in RESULTS.glob("*.svg")}
    expected = pages(raw, drawn, read(RESULTS / VERDICT))
    assert {file.name for file in RESULTS.glob("*.md")} == set(expected)
    for name, text in expected.items():
        assert (RESULTS / name).read_text(encoding="utf-8") == text, name
    assert drawn == set(plots(raw))


def test_what_changed_since_the_measurement_is_said() -> None:
    text = pages(a_run(notes=["Replies were shorter."]), set())[FRONT]
    assert "at commit abc1234" in text
    assert "- Replies were shorter." in text
    assert "has changed since" not in page(a_run(), set())
