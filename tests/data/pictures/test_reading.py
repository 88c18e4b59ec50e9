"""Many pictures: their common form, what is broken, and the cache."""

import numpy as np
import pytest
from PIL import Image

from backlit.data.pictures import Form, read, read_as
from backlit.errors import InputError


@pytest.fixture
def paths(tmp_path, rng):
    """Six grey pictures, 10 × 20 to 15 × 20."""
    found = []
    for i in range(6):
        found.append(tmp_path / f"{i}.png")
        Image.fromarray(rng.integers(0, 256, (10 + i, 20), dtype=np.uint8)).save(found[-1])
    return found


def test_the_form_comes_from_the_pictures(paths, tmp_path):
    assert read(paths).form == Form(12, 20, 1)
    assert read(paths, (8, 9)).pixels.shape == (6, 8, 9, 1)
    large = tmp_path / "large.png"
    Image.new("RGB", (1280, 640), "red").save(large)
    assert read([large]).form == Form(32, 64, 3)
    assert read([*paths, large]).form.channels == 3
    grey = tmp_path / "grey.png"
    Image.new("RGB", (20, 12), (7, 7, 7)).save(grey)  # grey, though its mode is colour
    assert read([*paths, grey]).form.channels == 1


def test_rows_are_in_order(paths):
    album = read(paths, (10, 20))
    for i, path in enumerate(paths):
        np.testing.assert_array_equal(album.pixels[i], read([path], (10, 20)).pixels[0])


def test_broken_pictures(paths):
    paths[1].write_bytes(b"text")
    paths[4].write_bytes(paths[4].read_bytes()[:100])  # its header is whole
    with pytest.raises(InputError, match=r"picture .*1\.png: it is no picture.*--skip-broken"):
        read(paths)
    with pytest.raises(InputError, match=r"picture .*4\.png: it is broken"):
        read([path for path in paths if path != paths[1]])
    album = read(paths, skip_broken=True)
    assert album.kept.tolist() == [0, 2, 3, 5]
    assert len(album.pixels) == 4
    assert [path for path, _ in album.broken] == [paths[1], paths[4]]
    with pytest.raises(InputError, match=r"picture .*1\.png: it is no picture.*; 1 more can't be read either"):
        read_as(Form(8, 8, 1), paths)
    with pytest.raises(InputError, match="none of the 1 pictures can be read; the first: picture"):
        read([paths[1]], skip_broken=True)


def test_the_cache(paths, tmp_path, monkeypatch):
    from backlit.data.pictures import reading

    cache = tmp_path / "cache"
    paths[5].write_bytes(b"text")
    first = read(paths, skip_broken=True, cache=cache)
    (file,) = cache.iterdir()
    decoded = []
    real = reading.decode
    monkeypatch.setattr(reading, "decode", lambda *args: decoded.append(args) or real(*args))
    second = read(paths, skip_broken=True, cache=cache)
    assert not decoded
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert (first.form, first.kept.tolist(), first.broken) == (second.form, second.kept.tolist(), second.broken)
    with pytest.raises(InputError, match=r"5\.png: it is no picture"):
        read(paths, cache=cache)  # what is broken is known to be
    read(paths, (4, 4), skip_broken=True, cache=cache)
    assert len(decoded) == 5  # another size
    Image.fromarray(np.full((10, 20), 9, np.uint8)).save(paths[0])
    assert (read(paths, skip_broken=True, cache=cache).pixels[0] == 9).all()  # another file
    decoded.clear()
    Image.fromarray(np.full((10, 20), 9, np.uint8)).save(paths[0])
    file = max(cache.iterdir(), key=lambda path: path.stat().st_mtime)
    for damaged in (b"", b"PK nothing", file.read_bytes()[:-200]):
        for own in cache.iterdir():
            own.write_bytes(damaged)
        assert read(paths, skip_broken=True, cache=cache).kept.tolist() == [0, 1, 2, 3, 4]
    assert len(decoded) == 15


def test_a_cache_that_cant_be_written(paths, tmp_path):
    (tmp_path / "file").write_text("")
    assert len(read(paths, cache=tmp_path / "file" / "cache").pixels) == 6


def test_the_cache_keeps_its_size(paths, tmp_path, monkeypatch):
    from backlit.data.pictures import reading

    monkeypatch.setattr(reading, "CACHED", 4000)
    for side in range(10, 20):
        read(paths, (side, side), cache=tmp_path / "cache")
    assert sum(path.stat().st_size for path in (tmp_path / "cache").iterdir()) < 8000
    monkeypatch.setattr(reading, "CACHED", 10)
    read(paths, cache=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_progress(paths):
    told = []
    read(paths, progress=lambda stage, share: told.append((stage, share)))
    assert told[-1] == ("decoding pictures", 1.0)
    assert ("reading sizes", 1.0) in told
