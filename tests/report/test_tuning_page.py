"""The tuner's page: complete in itself, for everyone, and there whatever is missing."""

import re
from dataclasses import replace

import pytest

from pages import PageSuite, figures
from wolfsbane.experiment.metrics import Reliability
from wolfsbane.report.tuning import page, surface
from wolfsbane.tuning.space import Configuration
from wolfsbane.tuning.trial import Purpose, Trial

EVIL = "<script>alert(1)</script>"
SEARCHES = ["view", "with_curve", "single", "two_dimensions", "own_metric"]


@pytest.fixture(scope="module", params=SEARCHES)
def any_page(request):
    return page.render(request.getfixturevalue(request.param))


@pytest.fixture(scope="module")
def html(with_curve):
    return page.render(with_curve)


def headings(text):
    return re.findall(r"<h2>([^<]*)</h2>", text)


class TestPage(PageSuite):
    """Whatever the search."""


def test_the_answer_comes_first_and_the_details_in_order(html, view):
    assert f"<h1>{view.answer.chosen};" in html
    assert headings(html) == [
        "Objective against rate",
        "Before and after: learning curves",
        "Before and after: reliability",
        "Proof",
        "How hard the data is for this model",
        "Cost",
        "Trainings",
        "Configuration",
    ]
    # Surface, two metrics and reliability for two configurations, one curve over sizes, cost.
    assert len(figures(html)) == 1 + 2 * 2 + 2 + 1 + 1


def test_what_was_not_measured_is_left_out(own_metric, single):
    text = page.render(own_metric)
    assert headings(text) == [
        "Objective against rate",
        "Before and after: learning curves",
        "Cost",
        "Trainings",
        "Configuration",
    ]
    assert "NLL" not in text
    assert "Proof" not in headings(page.render(single))


def test_every_training_has_a_row(html, with_curve):
    table = html[html.index("<h2>Trainings") :]
    body = table[table.index("<tbody>") : table.index("</tbody>")]
    assert body.count("<tr>") == len(with_curve.trainings)


def test_every_warning_is_shown_apart(view):
    warned = replace(view, answer=replace(view.answer, warnings=("there is <little> data",)))
    assert '<div class="warnings"' in page.render(warned)
    assert "There is &lt;little&gt; data." in page.render(warned)
    calm = replace(view, answer=replace(view.answer, warnings=()))
    assert '<div class="warnings"' not in page.render(calm)


def renamed(configuration):
    return Configuration(tuple((EVIL, value) for _, value in configuration.values))


def test_names_are_text_and_never_markup(search_of):
    from wolfsbane.tuning.dimensions import Rate  # noqa: PLC0415
    from wolfsbane.tuning.space import make_space  # noqa: PLC0415

    class Named:
        space = make_space({EVIL: Rate(0, 0.5, 0.25)})
        built_by = EVIL

        def build(self, configuration, data):
            import torch  # noqa: PLC0415

            (rate,) = configuration.as_dict().values()
            return torch.nn.Sequential(torch.nn.Linear(64, 10), torch.nn.Dropout(rate))

    text = page.render(search_of(5, subject=Named()))
    assert EVIL not in text
    assert "&lt;script&gt;" in text


def test_the_page_tells_the_purpose_of_the_curves(view, single):
    assert "Trainings of the proof" in page.render(view)
    assert "Trainings of the search" in page.render(single)


def test_a_chosen_baseline_is_neither_before_nor_after(single):
    assert not re.search("<figcaption>(before|after)", page.render(single))


def test_a_band_is_explained_where_there_is_one(view, single):
    assert "Gaussian process" in page.render(view)
    assert "Gaussian process" not in page.render(single)


def test_a_choice_that_was_never_trained_is_said_to_be_so(view):
    untrained = Configuration((("dropout", 0.123),))
    search = [one for one in view.trials if one.request.purpose is Purpose.SEARCH]
    text = page.render(
        replace(view, trials=search, answer=replace(view.answer, chosen=untrained, findings=()))
    )
    assert "The chosen configuration itself was not trained." in text


def test_an_interrupted_search_with_a_running_training_is_a_page(view):
    part = [*view.trials[:3], Trial(view.trials[3].request)]
    text = page.render(replace(view, trials=part, seconds=None))
    assert "by the clock" not in text


def test_what_is_beyond_the_axis_is_told(view):
    trial = view.trials[3]
    curves = {**trial.outcome.curves, "validation_nll": (99.0,)}
    far = replace(trial, outcome=replace(trial.outcome, curves=curves))
    (chart,) = surface.charts(replace(view, trials=[*view.trials[:3], far, *view.trials[4:]]))
    assert "beyond the axis, as far as 99" in chart.title
    assert "beyond the axis, as far as 99" in chart.description


def test_the_values_of_other_dimensions_are_told(two_dimensions):
    (chart,) = surface.charts(two_dimensions)
    activation = two_dimensions.answer.chosen.as_dict()["activation"]
    assert f"(at activation={activation})" in chart.title


def test_reliability_without_predictions_is_left_out(view):
    empty = [replace(one, outcome=replace(one.outcome, reliability=None)) for one in view.trials]
    assert "Before and after: reliability" not in headings(page.render(replace(view, trials=empty)))
    assert isinstance(view.trainings[0].outcome.reliability, Reliability)
