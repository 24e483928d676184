import xml.etree.ElementTree as ET

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.svm import LinearSVC

from iolaus.distill.surrogates.distil import SurrogatePlan, distil_surrogate, explain_scores
from iolaus.distill.surrogates.drawing import draw_tree
from iolaus.distill.surrogates.fidelity import measure_fidelity
from iolaus.distill.surrogates.queries import sample_queries
from iolaus.distill.surrogates.wording import in_words, reasons
from iolaus.errors import InputError

QUICK = {"queries": 2000, "checks": 600}


@pytest.fixture(scope="module")
def iris():
    found = load_iris()
    forest = RandomForestClassifier(30, random_state=0).fit(found.data, found.target_names[found.target])
    return found, forest


def box(rows):
    """A teacher with two questions: 1 in a corner, 0 outside it."""
    inside = (rows[:, 0] > 0.3) & (rows[:, 1] <= 0.6)
    return np.stack([~inside, inside], axis=1).astype(float)


@pytest.mark.parametrize("kind", ["tree", "rules", "linear"])
def test_a_surrogate_of_a_forest_agrees_and_says_so(iris, kind):
    found, forest = iris
    made = distil_surrogate(forest, found.data, SurrogatePlan(kind=kind, **QUICK), found.feature_names)
    assert made.classes == ("setosa", "versicolor", "virginica")
    assert made.fidelity.value > 0.85
    assert made.fidelity.low <= made.fidelity.value <= made.fidelity.high
    assert made.scores(found.data).shape == (150, 3)
    assert f"{made.fidelity.value:.1%}" in made.sentence()
    assert in_words(made)


@pytest.mark.parametrize("kind", ["tree", "rules"])
def test_two_questions_are_found_again(kind):
    rows = np.random.default_rng(0).random((300, 4))
    made = distil_surrogate(
        box, rows, SurrogatePlan(kind=kind, leaves=8, **QUICK), list("abcd"), classes=["out", "in"]
    )  # fmt: skip
    assert made.fidelity.value > 0.99
    words = " ".join(in_words(made))
    assert "a >" in words or "a ≤" in words


def test_a_surrogate_that_cannot_hold_its_teacher_says_so():
    def checkerboard(rows):
        dark = (np.floor(rows * 8).sum(1) % 2).astype(int)
        return np.eye(2)[dark]

    rows = np.random.default_rng(0).random((300, 2))
    made = distil_surrogate(checkerboard, rows, SurrogatePlan(kind="linear", **QUICK), classes=["light", "dark"])
    assert made.fidelity.value < 0.7
    assert "cannot hold this teacher" in made.sentence()


def test_values_are_held_by_variance_explained():
    found = load_diabetes()
    forest = RandomForestRegressor(20, random_state=0).fit(found.data, found.target)
    made = distil_surrogate(forest, found.data, SurrogatePlan(**QUICK))
    assert made.fidelity.kind == "variance"
    assert made.classes == ()
    assert 0.6 < made.fidelity.value <= 1

    plane = distil_surrogate(lambda rows: rows @ np.arange(10.0), found.data, SurrogatePlan(kind="linear", **QUICK))
    assert plane.fidelity.value > 0.999
    assert "explains" in plane.sentence()


def test_a_teacher_without_probabilities_is_asked_for_labels():
    found = load_iris()
    made = distil_surrogate(LinearSVC().fit(found.data, found.target), found.data, SurrogatePlan(**QUICK))
    assert made.classes == ("0", "1", "2")
    assert made.fidelity.value > 0.85


def test_soft_targets_and_queries_beat_hard_labels_of_the_data_on_breast_cancer():
    found = load_breast_cancer()
    half = np.random.default_rng(1).random(len(found.data)) < 0.6
    forest = RandomForestClassifier(60, random_state=0).fit(found.data[half], found.target[half])
    theirs = forest.predict_proba(found.data[~half]).argmax(1)

    def agreement(plan):
        made = distil_surrogate(forest, found.data[half], plan)
        return (made.scores(found.data[~half]).argmax(1) == theirs).mean()

    assert agreement(SurrogatePlan(queries=8000, checks=100)) >= agreement(
        SurrogatePlan(queries=0, soft=False, checks=100, least=1)
    )


def test_the_same_seed_gives_the_same_surrogate(iris):
    found, forest = iris
    one, two = (distil_surrogate(forest, found.data, SurrogatePlan(**QUICK)) for _ in range(2))
    assert one.form.to_json() == two.form.to_json()
    assert one.fidelity == two.fidelity


def test_whole_numbers_stay_whole_and_columns_stay_in_range():
    rows = np.stack([np.arange(50.0), np.linspace(-1, 1, 50)], axis=1)
    asked = sample_queries(rows, 4000, np.random.default_rng(0))
    assert set(asked[:, 0]) <= set(rows[:, 0])
    assert asked[:, 1].min() >= -1
    assert asked[:, 1].max() <= 1
    assert np.unique(asked[:, 1]).size > 1000


def test_the_interval_of_fidelity_covers_the_truth():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        truth = rng.random(300) < 0.5
        wrong = rng.random(300) < 0.1
        theirs, ours = np.eye(2)[truth.astype(int)], np.eye(2)[(truth ^ wrong).astype(int)]
        found = measure_fidelity(theirs, ours, True, 0.9)
        covered += found.low <= 0.9 <= found.high
    assert covered >= 180


def test_a_drawn_tree_is_one_well_formed_picture(iris):
    found, forest = iris
    made = distil_surrogate(forest, found.data, SurrogatePlan(**QUICK), ["<petal> & 'width'", "b", "c", "d"])
    drawn = draw_tree(made.form, made.names, made.classes, depth=3)
    root = ET.fromstring(drawn)
    assert root.tag.endswith("svg")
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")
    assert "more leaves" in drawn


def test_reasons_follow_the_row(iris):
    found, forest = iris
    made = distil_surrogate(forest, found.data, SurrogatePlan(leaves=6, **QUICK), found.feature_names)
    lines = reasons(made.form, found.data[0], made.names)
    assert lines
    assert all("it is" in line for line in lines)


@pytest.mark.parametrize(
    ("teacher", "rows", "names"),
    [
        (box, np.zeros((3, 2)), ()),
        (box, np.full((20, 2), np.nan), ()),
        (box, np.random.default_rng(0).random((20, 2)), ("one",)),
        (3, np.random.default_rng(0).random((20, 2)), ()),
        (lambda rows: np.full(len(rows), np.nan), np.random.default_rng(0).random((20, 2)), ()),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(teacher, rows, names):
    with pytest.raises(InputError):
        distil_surrogate(teacher, rows, SurrogatePlan(**QUICK), names)


def test_scores_that_were_given_are_explained_without_asking():
    rows = np.random.default_rng(0).random((300, 3))
    made = explain_scores(rows, box(rows), names=["p", "q", "r"], classes=["clear", "suspect"])
    assert made.fidelity.points == 60
    assert made.fidelity.value > 0.9
    assert "held-out rows" in made.sentence()
    assert explain_scores(rows, rows[:, 0] > 0.5).fidelity.kind == "variance"
    for scores, classes in ((box(rows)[:-1], ()), (box(rows), ["one"]), (np.full(300, np.nan), ())):
        with pytest.raises(InputError):
            explain_scores(rows, scores, classes=classes)
