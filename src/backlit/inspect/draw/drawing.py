"""Drawing: a picture that notebooks show and files hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from backlit.errors import InputError
from backlit.files import saving
from backlit.inspect.draw.png import save_png
from backlit.inspect.draw.scene import Scene
from backlit.inspect.draw.svg import to_svg
from backlit.languages import check_language

SUFFIXES = (".svg", ".png", ".pdf")


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture of a graph or network; a notebook shows it by itself.

    Attributes
    ----------
    svg : str
        The picture as the text of an SVG file: self-contained, with titles, without scripts.
    title, description : str
        What is seen, in words; they stand in the SVG, too.
    """

    made: Scene = field(repr=False)  # its texts in every language that they know
    lang: str = "en"

    @cached_property
    def scene(self) -> Scene:
        """The shapes, with their texts in the picture's language."""
        return self.made.within(self.lang)

    @cached_property
    def svg(self) -> str:
        return to_svg(self.scene, self.lang)

    def within(self, lang: str) -> Drawing:
        """The same picture in a language, "en" or "ko": what is seen, and what is heard instead of it.

        Names from the code stay as they are; a title that has nothing but these is marked as English, for the voice.

        Raises
        ------
        UnknownNameError
            If there is no such language.
        """
        return Drawing(self.made, check_language(lang, of="pictures"))

    @property
    def title(self) -> str:
        return self.scene.title

    @property
    def description(self) -> str:
        return self.scene.description

    def save(self, path: str | Path) -> Path:
        """Write the picture as .svg, .png or .pdf, whole or not at all.

        Raises
        ------
        InputError
            If the name has another ending, or the file can't be written.
        """
        place = check_path(path)
        with saving(place) as temporary:
            if place.suffix.lower() == ".svg":
                temporary.write_text(self.svg, encoding="utf-8")
            else:
                save_png(self.scene, temporary, place.suffix[1:].lower())
        return place

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"Drawing: {self.title}, {self.scene.width:.0f}×{self.scene.height:.0f}"


def check_path(path: str | Path) -> Path:
    """A picture's path, if its ending is known; asked before any work is done for it."""
    place = Path(path)
    if place.suffix.lower() not in SUFFIXES:
        ending = f"ends in {place.suffix!r}" if place.suffix else "has no ending"
        raise InputError(f"a picture's name must end in {', '.join(SUFFIXES)}; {place} {ending}")
    return place
