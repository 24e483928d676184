"""On outputs of public models, where they are beside the checkout."""

from pathlib import Path

import pytest

from iolaus.provenance.comparison import Outputs, compare, read_outputs

DATA = Path(__file__).parents[3] / "shared" / "data" / "model_outputs.parquet"

pytestmark = pytest.mark.skipif(not DATA.is_file(), reason="the real outputs are not beside the checkout")


def test_a_model_leans_to_its_sibling():
    """The larger of two siblings stands for a student of the smaller; peers are tuned on human text."""
    peers = ["oasst-sft-llama-33b", "guanaco-13b", "humpback-llama-65b", "llama-2-13b-chat-hf", "oasst-rlhf-llama-33b"]
    teachers = ["vicuna-7b-v1.5", "claude-2"]
    whole = read_outputs(DATA, "vicuna-13b-v1.5", teachers, peers)
    some = Outputs(whole.models, whole.prompts[::16], whole.answers[::16])
    found = compare(some, 2)
    assert found.teachers[0].teacher == "vicuna-7b-v1.5" and found.teachers[0].leans
