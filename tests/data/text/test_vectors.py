"""Word vectors from text files."""

import gzip

import numpy as np
import pytest

from backlit.data import Vectors, read_vectors
from backlit.errors import InputError


def written(folder, content, name="vectors.txt"):
    path = folder / name
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["vectors.txt", "vectors.vec.gz"])
@pytest.mark.parametrize("header", ["", "3 2\n"], ids=["glove", "word2vec"])
def test_both_formats_packed_or_not(tmp_path, name, header):
    found = read_vectors(written(tmp_path, header + "the 0.5 -1e-2\n고양이 1 2 \r\n, 3 4\n", name))
    assert found.words == ("the", "고양이", ",")
    assert found.matrix.dtype == np.float32
    np.testing.assert_allclose(found.matrix, [[0.5, -0.01], [1, 2], [3, 4]])
    assert found["고양이"].tolist() == [1, 2]


def test_only_the_words_asked_for_are_kept_and_their_lower_case_forms(tmp_path):
    path = written(tmp_path, "a 1 2\nfilm 3 4\nthe 5 6\na 7 8\n")
    assert read_vectors(path, words=["Film", "a"]).words == ("a", "film")
    assert read_vectors(path, words={"a"}).matrix.tolist() == [[1, 2]]  # the first of two


def test_words_may_have_spaces(tmp_path):
    found = read_vectors(written(tmp_path, "a 1 2 3\n. . . 4 5 6\nat name 7 8 9\n"))
    assert found.words == ("a", ". . .", "at name")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("2 2\na 1 2\n", "has 1 words, its first line says 2"),
        ("a 1 2\nb 1\n", "line 2: expected a word and 2 numbers, got 'b 1'"),
        ("a 1 2\nb 1 2 3\n", "line 2: expected a word and 2 numbers, got 'b 1 2 3'"),
        ("a 1 2\nb 1 x\n", "line 2: expected 2 numbers after the word, got '1 x'"),
        ("a 1 2\nb 1 nan\n", "line 2: expected 2 numbers after the word, got '1 nan'"),
        ("hello world\n", "line 1: expected a word and its numbers, got 'hello world'"),
        (b"2 2\na \xff\xfe\x00\n", "word 1 of 2 is cut off"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read_vectors(written(tmp_path, content))


def test_files_that_cant_be_used(tmp_path):
    with pytest.raises(InputError, match="can't be read"):
        read_vectors(tmp_path / "absent.txt")
    with pytest.raises(InputError, match="none of the 1 words"):
        read_vectors(written(tmp_path, "a 1 2\n"), words=["b"])
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(b"a 1 2\n" * 1000)[:-20])
    with pytest.raises(InputError, match="can't be read"):
        read_vectors(cut)
    with pytest.raises(InputError, match="a row for each of 1 words"):
        Vectors(("a",), np.ones((2, 2)))
    with pytest.raises(InputError, match="no vector for 'b'"):
        Vectors(("a",), np.ones((1, 2)))["b"]
