"""Training a student: one loop, its checkpoints, and where targets come from."""

from iolaus.distill.train.loop import Progress, Told, Trained, train
from iolaus.distill.train.networks import load_network, load_tokenizer, make_student, plain_head, save_network
from iolaus.distill.train.sources import Batch, HardLabels, LiveTeacher, Source

__all__ = [
    "Batch",
    "HardLabels",
    "LiveTeacher",
    "Progress",
    "Source",
    "Told",
    "Trained",
    "load_network",
    "load_tokenizer",
    "make_student",
    "plain_head",
    "save_network",
    "train",
]
