"""Checks before training; each gives a sentence."""

from iolaus.distill.preflight.checks import (
    check_before_training,
    check_chat_template,
    check_labels,
    check_loss_scale,
    check_padded_vocabulary,
    check_tokenizers,
)
from iolaus.distill.preflight.served import check_served

__all__ = [
    "check_before_training",
    "check_chat_template",
    "check_labels",
    "check_loss_scale",
    "check_padded_vocabulary",
    "check_served",
    "check_tokenizers",
]
