"""A tokenizer.json of the library `tokenizers` as text preparation: the library's own tokens, kept with the run."""

import json
import sys

import numpy as np
import polars as pl
import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import backlit as bl
from backlit.data import Subwords
from backlit.data.text.encoding import END, PADDING, SPECIAL, START, UNKNOWN
from backlit.data.text.texts import tokenizer_from
from backlit.errors import InputError, ShapeError

TEXTS = ["the cat sat on the mat", "좋은 영화였다, 정말 좋은", "The dog, the cat and the mat!"] * 4
FIT = {"engine": "numpy", "progress": False, "epochs": 2}


def bytepairs():
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False))
    return made


def wordpieces():
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))  # noqa: S106
    made.normalizer, made.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    made.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    made.train_from_iterator(
        TEXTS, trainers.WordPieceTrainer(vocab_size=80, special_tokens=special, show_progress=False)
    )
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    made.enable_padding(length=64)
    made.enable_truncation(3)
    return made


def unigrams():
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    unknown = "<unk>"
    trainer = trainers.UnigramTrainer(vocab_size=60, unk_token=unknown, special_tokens=[unknown], show_progress=False)
    made.train_from_iterator(TEXTS, trainer)
    return made


@pytest.mark.parametrize("make", [bytepairs, wordpieces, unigrams])
def test_numbers_are_the_librarys_and_four(make):
    made = make()
    ours = Subwords.of(made)
    made.no_padding()
    made.no_truncation()
    for text in ("the cat, the dog", "", "정말 좋은 the"):
        theirs = made.encode(text, add_special_tokens=False).ids
        numbers = ours.encode(text)
        assert numbers.dtype == np.int32
        assert [number - SPECIAL for number in numbers if number != UNKNOWN] == [
            each for each in theirs if each != ours._unknown
        ]
        assert len(numbers) == len(theirs)
        assert ours.decode([START, *numbers, END, PADDING]) == made.decode(theirs, skip_special_tokens=False)
    assert ours.size == made.get_vocab_size() + SPECIAL
    assert all(ours.tokens[number] == token for token, number in made.get_vocab().items())


def test_what_is_unknown_is_told_and_decoded_as_such():
    ours = Subwords.of(wordpieces())
    numbers = ours.encode("the 猫 cat")
    assert (numbers == UNKNOWN).tolist() == [False, True, False]
    assert ours.unseen("the 猫 cat 猫") == {"猫": 2}
    assert ours.decode(numbers) == "the�cat"
    assert not Subwords.of(bytepairs()).unseen("猫")


def test_rows_are_filled_up_as_by_our_own_tokenizers():
    ours = Subwords.of(wordpieces())
    rows, cut = ours.encode_all(["the cat", "the"], length=2, end=True)
    assert rows[1].tolist() == [ours.encode("the")[0], END]
    assert rows[0].tolist() == ours.encode("the cat").tolist()
    assert cut.tolist() == [0, 0]
    rows, cut = ours.encode_all(["the cat", "the"], length=1)
    assert cut.tolist() == [1, 0]


@pytest.mark.parametrize("make", [bytepairs, unigrams])
def test_it_goes_to_json_and_back(make):
    ours = Subwords.of(make())
    again = tokenizer_from(json.loads(json.dumps(ours.to_dict())))
    assert again.encode("the 좋은 cat").tolist() == ours.encode("the 좋은 cat").tolist()
    assert again.tokens == ours.tokens


def test_a_language_model_of_subwords_goes_on_after_loading(tmp_path):
    bytepairs().save(str(tmp_path / "tokenizer.json"))
    text = " ".join(TEXTS)
    run = bl.fit_text(text, tokenizer=tmp_path / "tokenizer.json", network="rnn:8", window=4, **FIT)
    assert run.judgement["unit"] == "subwords"
    (tmp_path / "tokenizer.json").unlink()  # the run has its own
    loaded = bl.load(run.save(tmp_path / "run"))
    assert loaded.generate("the", length=5, seed=1) == run.generate("the", length=5, seed=1)
    kept = json.loads((tmp_path / "run" / "data.json").read_text(encoding="utf-8"))
    assert "merges" in json.dumps(kept)


def test_a_column_of_texts_is_read_by_it(tmp_path):
    made = wordpieces()
    made.save(str(tmp_path / "tokenizer.json"))
    table = pl.DataFrame({"text": [f"the cat sat {i}" if i % 2 else f"the dog sat {i}" for i in range(60)]})
    table = table.with_columns(
        kind=pl.when(pl.col("text").str.contains("cat")).then(pl.lit("cat")).otherwise(pl.lit("dog"))
    )
    run = bl.fit(table, target="kind", text="text", tokenizer=str(tmp_path / "tokenizer.json"), ensemble=1, **FIT)
    loaded = bl.load(run.save(tmp_path / "run"))
    made.no_padding()
    made.no_truncation()
    row = run.preparation.apply(["the Cat sat"])[0]
    wanted = [number + SPECIAL for number in made.encode("the Cat sat", add_special_tokens=False).ids]
    assert row[: len(wanted)].tolist() == wanted
    np.testing.assert_array_equal(loaded.predict(table), run.predict(table))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda f: Subwords.of(f / "none.json"), InputError, r"tokenizer .*none.json can't be read: No such file"),
        (lambda f: Subwords.of(f / "odd.json"), InputError, "this is no tokenizer.json that the library tokenizers"),
        (
            lambda f: Subwords.of(Tokenizer(models.WordLevel({"a": 0, "b": 10**9}, unk_token="a"))),  # noqa: S106
            InputError,
            "numbers its 2 tokens up to 1,000,000,000: expected hardly any gaps",
        ),
        (lambda f: Subwords.of(3), InputError, "tokenizer must be the path of a tokenizer.json, .* got int"),
        (lambda f: Subwords.of(Tokenizer(models.BPE())), InputError, "this tokenizer has no tokens: train it first"),
        (lambda f: Subwords.of(bytepairs()).decode([[5]]), ShapeError, r"decode takes the numbers of one text"),
        (lambda f: Subwords.of(bytepairs()).decode([10**6]), InputError, "decode takes whole numbers from 0 to"),
        (lambda f: Subwords.of(bytepairs()).encode(3), InputError, "row 0 is 3; expected text"),
        (lambda f: bl.fit_text("abc" * 50, tokenizer=bytepairs(), tokens="words"), InputError, "or tokens"),
        (
            lambda f: bl.fit(
                {"t": ["a b"] * 30, "y": [1, 2] * 15}, target="y", text="t", tokenizer=bytepairs(), tokens="words"
            ),
            InputError,
            "a tokenizer says what texts are split into; leave it out, or tokens",
        ),
    ],
)
def test_what_is_no_tokenizer_is_told(tmp_path, call, kind, message):
    (tmp_path / "odd.json").write_text('{"model": 3}', encoding="utf-8")
    with pytest.raises(kind, match=message):
        call(tmp_path)


def test_a_missing_library_is_told_with_its_extra(monkeypatch):
    description = bytepairs().to_str()
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(InputError, match=r"tokenizer.json needs another package: pip install 'backlit\[huggingface\]'"):
        Subwords(description)
