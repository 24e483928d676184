"""A whole distillation of tiny models: the call, the command line, what is written."""

import json
import subprocess
import sys

import pytest
import yaml

from iolaus.distill import carry_out, distill
from iolaus.distill.reading import check_plan
from iolaus.errors import IolausError, PlanError


def test_plan_file_to_report(small_plan, tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(small_plan), encoding="utf-8")
    command = [sys.executable, "-m", "iolaus.cli", "distill", str(path), "--budget.steps", "8", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    out = tmp_path / "out"
    assert report == json.loads((out / "report.json").read_text())
    assert report["schema"] == "iolaus.distillation/1"
    assert report["training"]["distilled"]["steps"] == 8
    assert report["training"]["distilled"]["logits_chunked"] is True
    names = [metric["name"] for metric in report["metrics"]]
    assert names[:3] == ["nll per token", "next-token accuracy", "agreement with the teacher"]
    assert set(report["metrics"][0]["models"]) == {"teacher", "undistilled", "hard_label", "distilled"}
    assert report["costs"]["distilled"]["parameters"] < report["costs"]["teacher"]["parameters"]
    assert "What it keeps" in (out / "student" / "README.md").read_text()
    assert (out / "student" / "model.safetensors").exists()
    assert list((out / "runs" / "distilled" / "tensorboard").iterdir())


def test_student_learns_and_loads_again(small_plan, tmp_path):
    from transformers import AutoModelForCausalLM

    small_plan["budget"]["steps"] = 40
    small_plan["report"]["hard_label_student"] = False
    result = carry_out(check_plan(small_plan, "test"))
    nll = result.report.judged[0]
    assert nll.models["distilled"].value < nll.models["undistilled"].value - 1
    assert nll.over_undistilled.low > 0
    assert nll.retention.value < 1
    again = AutoModelForCausalLM.from_pretrained(result.folder / "student")
    for name, weight in result.student.state_dict().items():
        assert (again.state_dict()[name] == weight).all(), name


def test_one_call(teacher_folder, corpus_file, tmp_path):
    result = distill(
        str(teacher_folder),
        {"hidden": 16, "layers": 1, "heads": 2, "inner": 32},
        {"path": str(corpus_file), "block": 48},
        "jensen_shannon",
        {"steps": 3, "rows": 4, "device": "cpu"},
        out=tmp_path / "out",
        report={"resamples": 200, "documents": 5, "hard_label_student": False},
    )
    assert set(result.report.judged[0].models) == {"teacher", "undistilled", "distilled"}


def test_mixed_precision_after_single(small_plan, tmp_path):
    """Accelerate keeps one state a process; a second run may still have another precision."""
    small_plan["budget"]["steps"] = 3
    small_plan["report"] |= {"documents": 4, "hard_label_student": False}
    for precision in ("no", "bf16"):
        small_plan["budget"]["precision"] = precision
        small_plan["out"] = str(tmp_path / precision)
        assert carry_out(check_plan(small_plan, "test")).report.training["distilled"]["last_loss"] > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"objective": {"name": "kl"}}, "objective.name: input should be"),
        ({"objective": {"temprature": 2}}, "objective.temprature: there is no such key"),
        ({"budget": {"steps": 0}}, "budget.steps: input should be greater"),
        ({"budget": {"steps": 3, "rows": 8, "accumulate": 3}}, "budget.accumulate: 3 does not divide 8"),
        ({"teacher": {"path": "x"}}, "teacher: needs a kind"),
        ({"teacher": {"kind": "causal", "path": "/nowhere"}}, "/nowhere cannot be loaded"),
        ({"corpus": {"path": "/nowhere.jsonl"}}, "corpus /nowhere.jsonl is no file"),
        ({"student": {"hidden": 15, "heads": 2}}, "2 heads do not divide a width of 15"),
        ({"teacher": {"kind": "exchanges", "path": "x"}}, "exchanges hold text; use sequence"),
        ({"objective": {"name": "sequence", "on_policy": 0.5}}, "objective.on_policy needs a divergence"),
    ],
)
def test_bad_plans_are_one_sentence(small_plan, change, words):
    with pytest.raises(IolausError, match=words.replace("(", r"\(")) as caught:
        carry_out(check_plan(small_plan | change, "test"))
    assert "\n" not in str(caught.value)


def test_command_line_refuses_in_one_line(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text("teacher: [", encoding="utf-8")
    for words in (["distill", str(path)], ["distill"], ["distill", str(path), "--seed"]):
        done = subprocess.run([sys.executable, "-m", "iolaus.cli", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith("iolaus: ") and done.stderr.count("\n") == 1


def test_every_key_is_listed():
    from iolaus.distill.reading import plan_keys

    keys = {key for key, _, _ in plan_keys()}
    assert {"teacher.path", "objective.temperature", "budget.steps", "cache.kind", "student.lora.rank", "out"} <= keys


def test_flags_alone(small_plan):
    from iolaus.distill.reading import read_plan

    plan = read_plan(None, {"teacher.kind": "causal", "teacher.path": "x", "budget.steps": "3", "out": "o"})
    assert plan.budget.steps == 3 and plan.teacher.path == "x"
    with pytest.raises(PlanError, match="teacher: is missing"):
        read_plan(None, {"budget.steps": "3"})
