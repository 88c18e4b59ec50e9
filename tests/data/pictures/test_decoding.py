"""One picture as bytes: every mode, every orientation, every kind of damage."""

import io

import numpy as np
import pytest
from PIL import Image

from backlit.bounds import limits
from backlit.data.pictures import Form
from backlit.data.pictures.decoding import decode, from_array, measure, quiet
from backlit.errors import InputError


def saved(path, picture, **options):
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tif", "webp", "jpg"])
def test_every_format(tmp_path, rng, suffix):
    pixels = np.kron(rng.integers(0, 256, (3, 4)), np.ones((8, 8))).astype(np.uint8)  # blocks, as JPEG has them
    options = {"quality": 95} if suffix == "jpg" else {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"a.{suffix}", Image.fromarray(pixels), **options)
    found = decode(path, Form(24, 32, 1))
    np.testing.assert_allclose(found[..., 0], pixels, atol=4 if suffix == "jpg" else 1)
    assert found.dtype == np.uint8
    assert measure(path)[:2] == (24, 32)


def colours():
    """A picture 2 × 2 in each mode, and what its pixels are in red, green and blue."""
    rgb = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)
    grey = np.array([[0, 80], [160, 255]], np.uint8)
    lone = np.repeat(grey[..., None], 3, axis=2)
    alpha = np.array([[255, 0], [255, 255]], np.uint8)
    see_through = rgb.copy()
    see_through[0, 1] = 255  # on white
    palette = Image.new("P", (2, 2))
    palette.putpalette(rgb.reshape(-1).tolist())
    palette.putdata([0, 1, 2, 3])
    cmyk = np.concatenate([255 - rgb, np.zeros((2, 2, 1), np.uint8)], axis=2)
    yield "L", Image.fromarray(grey), lone
    yield "RGB", Image.fromarray(rgb), rgb
    yield "1", Image.fromarray(grey > 100), np.repeat(((grey > 100) * np.uint8(255))[..., None], 3, axis=2)
    yield "RGBA", Image.fromarray(np.dstack([rgb, alpha])), see_through
    yield "LA", Image.fromarray(np.dstack([grey, alpha])), np.where(alpha[..., None] > 0, lone, 255)
    yield "P", palette, rgb
    yield (
        "CMYK",
        Image.merge("CMYK", [Image.fromarray(ink) for ink in np.moveaxis(cmyk, 2, 0)]),
        rgb,
    )
    yield "I;16", Image.fromarray(grey.astype(np.uint16) * 257), lone
    yield "I", Image.fromarray(grey.astype(np.int32) * 257), lone
    yield "F", Image.fromarray(grey.astype(np.float32) / 255), lone


@pytest.mark.parametrize(
    ("mode", "picture", "expected"), list(colours()), ids=lambda case: case if isinstance(case, str) else ""
)
def test_every_mode(mode, picture, expected):
    assert picture.mode == mode
    np.testing.assert_array_equal(decode(picture, Form(2, 2, 3)), expected)
    luma = np.rint(expected @ np.array([0.299, 0.587, 0.114]))[..., None]  # ITU-R BT.601
    np.testing.assert_allclose(decode(picture, Form(2, 2, 1)), luma, atol=1)


def test_a_transparent_colour_of_a_palette(tmp_path):
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putdata([0, 1])
    path = saved(tmp_path / "a.png", picture, transparency=1)
    assert decode(path, Form(1, 2, 3)).tolist() == [[[10, 20, 30], [255, 255, 255]]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_against_pillow(tmp_path, rng, orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", Image.fromarray(rng.integers(0, 256, (4, 6), dtype=np.uint8)), exif=exif)
    with Image.open(path) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))
    height, width, grey = measure(path)
    assert (height, width) == expected.shape
    assert grey
    np.testing.assert_array_equal(decode(path, Form(height, width, 1))[..., 0], expected)


def test_large_jpegs_are_turned_though_less_is_decoded(tmp_path):
    pixels = np.zeros((400, 800), np.uint8)
    pixels[:, :400] = 255  # the left is white; orientation 6 turns it upwards
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "a.jpg", Image.fromarray(pixels), exif=exif)
    found = decode(path, Form(20, 10, 1))[..., 0]
    assert found[:9].min() > 240
    assert found[11:].max() < 15


def test_the_first_frame(tmp_path):
    frames = [Image.new("L", (3, 3), level) for level in (10, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (decode(tmp_path / "a.gif", Form(3, 3, 1)) == 10).all()


def test_proportions_are_kept_and_edges_go_on():
    pixels = np.zeros((2, 4), np.uint8)
    pixels[0], pixels[1] = 50, 100
    found = decode(Image.fromarray(pixels), Form(4, 4, 1))[..., 0]
    assert found.tolist() == [[50] * 4, [50] * 4, [100] * 4, [100] * 4]
    tall = decode(Image.fromarray(np.full((9, 3), 7, np.uint8)), Form(6, 6, 1))
    assert tall.shape == (6, 6, 1)
    assert (tall == 7).all()
    line = decode(
        Image.fromarray(np.full((1, 1000), 7, np.uint8)), Form(8, 8, 1)
    )  # of its height nothing would be left
    assert (line == 7).all()


def test_arrays(rng):
    pixels = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    np.testing.assert_array_equal(from_array(pixels, Form(5, 6, 3)), pixels)
    assert from_array(pixels[..., :1], Form(5, 6, 3)).shape == (5, 6, 3)
    assert from_array(pixels[..., 0], Form(2, 2, 1)).shape == (2, 2, 1)
    for wrong in (pixels.astype(float), pixels[..., :2], pixels[0, 0]):
        with pytest.raises(InputError, match=r"must be of bytes \(uint8\)"):
            from_array(wrong, Form(5, 6, 3))


def png(rng):
    file = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda data: b"", "no picture that can be read"),
        (lambda data: b"this is text", "no picture that can be read"),
        (lambda data: data[:20], "it is"),
        (lambda data: data[: len(data) // 2], "it is broken"),
    ],
    ids=["empty", "text", "header", "half"],
)
def test_damage(tmp_path, rng, make, message):
    path = tmp_path / "a.png"
    path.write_bytes(make(png(rng)))
    with pytest.raises(InputError, match=message), quiet():
        decode(path, Form(8, 8, 3))


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp", "bmp", "tif"])
def test_cut_and_flipped_bytes_raise_nothing_else(tmp_path, rng, suffix):
    """Whatever is wrong with a file, it is either decoded or told of as InputError."""
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)).save(path)
    whole = path.read_bytes()
    outcomes = set()
    for _ in range(60):
        data = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for place in rng.integers(0, len(data), rng.integers(0, 4)):
            data[place] = rng.integers(0, 256)
        path.write_bytes(data)
        try:
            with quiet():
                outcomes.add(decode(path, Form(8, 8, 3)).shape)
        except InputError:
            outcomes.add("refused")
    assert outcomes <= {(8, 8, 3), "refused"}
    assert "refused" in outcomes


def bomb(path, side=60_000):
    """A PNG whose header says that it is huge."""
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )
    return path


@pytest.mark.parametrize("side", [60_000, 10_000, 8_193])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, side):
    path = bomb(tmp_path / "bomb.png", side)
    with pytest.raises(InputError, match=r"it is too large: .* the limit is 67,108,864; .* --limit pixels="), quiet():
        measure(path)
    with limits(pixels=side**2), quiet():
        assert measure(path) == (side, side, True)
    with pytest.raises(InputError, match="it is too large"), quiet():
        decode(path, Form(8, 8, 1))


def test_not_files(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        decode(tmp_path / "none.png", Form(8, 8, 1))
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InputError, match="it is a folder"):
        decode(tmp_path / "folder.png", Form(8, 8, 1))


@pytest.mark.parametrize("values", [(0, 8, 1), (8, 5000, 1), (8, 8, 2), (8, True, 1), (8.0, 8, 1)])
def test_forms_that_make_no_sense(values):
    with pytest.raises(InputError, match="must be"):
        Form(*values)


def test_pixels_that_arent_finite():
    with pytest.raises(InputError, match="not finite"):
        decode(Image.fromarray(np.array([[np.nan, 1.0]], np.float32)), Form(1, 2, 1))
