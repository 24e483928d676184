"""Killed and gone on with: the same bits. And what stops training says so in one sentence."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch
import yaml
from safetensors.torch import load_file

from iolaus.distill import carry_out
from iolaus.distill.reading import check_plan
from iolaus.distill.train.checkpoint import latest_checkpoint
from iolaus.errors import OutputError, PlanError, TrainingError


def weights(folder):
    return load_file(folder / "student" / "model.safetensors")


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


class Stop(Exception):
    pass


def stop_at(stage, step):
    def listen(told_stage, told):
        if told is not None and stage in told_stage and told.step == step:
            raise Stop

    return listen


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"objective": {"name": "jensen_shannon", "on_policy": 0.5, "on_policy_tokens": 6, "hard_weight": 0.3}},
        {"student": {"hidden": 16, "layers": 1, "heads": 2, "inner": 32, "lora": {"rank": 2, "dropout": 0.2}}},
        {"objective": {"hidden_weight": 0.1, "relation_weight": 0.1, "relation_heads": 2, "temperature": 2}},
    ],
    ids=["plain", "on-policy", "lora", "hidden"],
)
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
def test_gone_on_with_is_bit_identical(small_plan, tmp_path, change):
    small_plan |= change
    small_plan["report"] |= {"hard_label_student": False, "documents": 4}
    carry_out(check_plan(small_plan | {"out": str(tmp_path / "whole")}, "test"))
    broken = check_plan(small_plan | {"out": str(tmp_path / "broken")}, "test")
    with pytest.raises(Stop):
        carry_out(broken, stop_at("distilled", 8))
    torch.manual_seed(99)
    result = carry_out(broken)
    assert result.report.training["distilled"]["resumed_from"] == 5
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))


def test_killed_with_no_warning(small_plan, tmp_path):
    small_plan["budget"] |= {"steps": 40, "checkpoint_every": 4, "threads": 1}
    small_plan["cache"] = {"path": str(tmp_path / "cache"), "shard_rows": 8}
    small_plan["report"] |= {"documents": 4, "hard_label_student": False}
    whole, killed = (check_plan(small_plan | {"out": str(tmp_path / name)}, "test") for name in ("whole", "killed"))
    file = tmp_path / "plan.yaml"
    file.write_text(yaml.safe_dump(small_plan | {"out": str(killed.out)}))
    process = subprocess.Popen([sys.executable, "-m", "iolaus.cli", "distill", "--quiet", str(file)])
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        if list(killed.out.glob("runs/distilled/checkpoints/step-*")):
            break
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed.out / "report.json").exists()
    after = carry_out(killed)
    assert 0 < after.report.training["distilled"]["resumed_from"] < 40
    never = carry_out(whole)
    assert same(weights(whole.out), weights(killed.out))
    assert never.report.to_json()["metrics"] == after.report.to_json()["metrics"]


def test_accumulation_is_the_mean_over_tokens(small_plan, tmp_path):
    """Four parts give what one gives, though their rows hold different numbers of tokens."""
    small_plan["report"] |= {"hard_label_student": False, "documents": 4}
    small_plan["corpus"]["pack"] = False
    small_plan["budget"]["steps"] = 3
    one = carry_out(check_plan(small_plan | {"out": str(tmp_path / "one")}, "test"))
    small_plan["budget"]["accumulate"] = 4
    four = carry_out(check_plan(small_plan | {"out": str(tmp_path / "four")}, "test"))
    for name, weight in one.student.state_dict().items():
        torch.testing.assert_close(weight, four.student.state_dict()[name], atol=2e-5, rtol=1e-3)


def test_another_plan_does_not_go_on(small_plan):
    carry_out(check_plan(small_plan, "test"))
    small_plan["objective"] = {"name": "forward_kl", "temperature": 3}
    with pytest.raises(PlanError, match=r"made with objective.temperature = 1.0, not 3.0"):
        carry_out(check_plan(small_plan, "test"))


def test_loss_that_is_no_number(small_plan, teacher_folder, tmp_path):
    from transformers import AutoTokenizer, LlamaForCausalLM

    network = LlamaForCausalLM.from_pretrained(teacher_folder)
    with torch.no_grad():
        network.model.layers[1].mlp.down_proj.weight[0, 0] = float("nan")
    network.save_pretrained(tmp_path / "broken")
    AutoTokenizer.from_pretrained(teacher_folder).save_pretrained(tmp_path / "broken")
    small_plan["student"] = {"path": str(tmp_path / "broken")}
    small_plan["report"]["hard_label_student"] = False
    with pytest.raises((TrainingError, PlanError), match="nan"):
        carry_out(check_plan(small_plan, "test"))


def test_too_high_a_rate_is_one_sentence(small_plan):
    small_plan["budget"] |= {"learning_rate": 1e30, "clip": 1e30, "steps": 30}
    with pytest.raises(TrainingError, match=r"at step \d+; what .* lower budget.learning_rate"):
        carry_out(check_plan(small_plan, "test"))


def test_full_disk_while_training(small_plan, monkeypatch):
    from iolaus.distill.train import checkpoint

    small_plan["report"]["hard_label_student"] = False
    real, calls = checkpoint.save_file, []

    def full(tensors, path):
        calls.append(path)
        if len(calls) > 3:
            raise OSError(28, "No space left on device")
        real(tensors, path)

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OutputError, match=r"cannot be written.*No space left"):
        carry_out(check_plan(small_plan, "test"))
    monkeypatch.undo()
    assert carry_out(check_plan(small_plan, "test")).report.training["distilled"]["resumed_from"] == 5


def test_truncated_checkpoint_and_weights(small_plan, tmp_path):
    small_plan["report"]["hard_label_student"] = False
    plan = check_plan(small_plan, "test")
    with pytest.raises(Stop):
        carry_out(plan, stop_at("distilled", 8))
    found = latest_checkpoint(plan.out / "runs" / "distilled" / "checkpoints") / "weights.safetensors"
    os.truncate(found, found.stat().st_size - 100)
    with pytest.raises(PlanError, match="is damaged"):
        carry_out(plan)
