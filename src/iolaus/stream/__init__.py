"""The judgement of ``iolaus.detect`` while exchanges arrive, in bounded memory."""

from iolaus.stream.settings import StreamSettings
from iolaus.stream.stream import Findings, Stream

__all__ = ["Findings", "Stream", "StreamSettings"]
