"""The teacher's cache: targets on disk, made once, for as many students as one likes."""

from iolaus.distill.cache.hidden import HiddenCache, HiddenTeacher, build_hidden
from iolaus.distill.cache.manifest import Manifest, network_digest, read_manifest, tokenizer_digest
from iolaus.distill.cache.source import CachedTeacher
from iolaus.distill.cache.sparse import keep_sampled, keep_systematic, keep_top_k
from iolaus.distill.cache.store import TeacherCache, build_cache

__all__ = [
    "CachedTeacher",
    "HiddenCache",
    "HiddenTeacher",
    "Manifest",
    "TeacherCache",
    "build_cache",
    "build_hidden",
    "keep_sampled",
    "keep_systematic",
    "keep_top_k",
    "network_digest",
    "read_manifest",
    "tokenizer_digest",
]
