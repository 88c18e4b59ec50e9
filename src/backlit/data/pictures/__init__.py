"""Pictures: found in folders, decoded whatever their mode and size, held as bytes, and kept between runs."""

from backlit.data.pictures.clips import Clips
from backlit.data.pictures.decoding import Form
from backlit.data.pictures.folder import Listing, classes_in, pictures_in, shown
from backlit.data.pictures.preparation import Pictures
from backlit.data.pictures.reading import Album, read, read_as

__all__ = ["Album", "Clips", "Form", "Listing", "Pictures", "classes_in", "pictures_in", "read", "read_as", "shown"]
