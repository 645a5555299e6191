"""The report: what its page says follows from the figures, and its plots are whole."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from bench.page import page
from bench.plots import plots
from bench.svg import Axes, Bar, bars, lines
from bench.where_we_lose import losses
from tests.bench.sample_results import ACCURACY, BOTO3, OURS, PEER, a_run, everywhere


def test_the_summary_names_the_best_of_the_others_and_the_ratio() -> None:
    text = page(a_run(), set())
    assert f"{BOTO3}, the best of the others, takes 20.0 times more CPU than {OURS}." in text


def test_an_aim_is_reached_or_not_by_the_figures() -> None:
    reached = page(a_run(), set())
    assert "| at least 14 times | 20.0 times | yes |" in reached
    slower = a_run()
    slower["canned"]["results"][OURS] = everywhere(1_000)
    assert "| at least 14 times | 2.00 times | **no** |" in page(slower, set())


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


def test_a_second_run_is_compared_with_the_first() -> None:
    assert "can be repeated" not in page(a_run(), set())
    assert "- 72 of 72 pairs of contenders have" in page(a_run(), set(), a_run())
    other = a_run()
    other["canned"]["results"][BOTO3] = everywhere(20)
    text = page(a_run(), set(), other)
    assert f"- not so: canned, allowed, 1 at once, cpu_us: {BOTO3} and {OURS}" in text


def test_labels_are_escaped() -> None:
    svg = bars('a "quoted" <title>', "", [Bar("<b> & co", 1, 1, 1, True, "1")])
    texts = [element.text for element in ET.fromstring(svg).iter() if element.text]
    assert "<b> & co" in texts
    assert 'a "quoted" <title>' in texts


@pytest.mark.parametrize("is_log_y", [True, False])
def test_lines_stay_within_the_picture(is_log_y: bool) -> None:
    series = {"a": {1.0: 0.4, 8.0: 900.0}, "b": {1.0: 3.0}}
    root = ET.fromstring(lines("t", "s", series, Axes("x", "y", is_log_y=is_log_y)))
    height = float(root.attrib["height"])
    for circle in root.iter("{http://www.w3.org/2000/svg}circle"):
        assert 0 <= float(circle.attrib["cy"]) <= height
        assert 0 <= float(circle.attrib["cx"]) <= 760
