"""Subjects that pasted passages are about, each with words of its own: who, did, what, how and when."""

from typing import Final

from iolaus.simulate.subjects import affairs, chinese, machines, trades

__all__ = ["SUBJECTS"]

# Language: the subjects of its passages.
SUBJECTS: Final = {
    "en": tuple((trades.SUBJECTS | affairs.SUBJECTS | machines.SUBJECTS).values()),
    "zh": tuple(chinese.SUBJECTS.values()),
}
