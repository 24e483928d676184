"""The teacher's cache: sparse targets on disk, made once, for as many students as one likes."""

from iolaus.distill.cache.manifest import Manifest, network_digest, read_manifest, tokenizer_digest
from iolaus.distill.cache.source import CachedTeacher
from iolaus.distill.cache.sparse import keep_sampled, keep_systematic, keep_top_k
from iolaus.distill.cache.store import TeacherCache, build_cache

__all__ = [
    "CachedTeacher",
    "Manifest",
    "TeacherCache",
    "build_cache",
    "keep_sampled",
    "keep_systematic",
    "keep_top_k",
    "network_digest",
    "read_manifest",
    "tokenizer_digest",
]
