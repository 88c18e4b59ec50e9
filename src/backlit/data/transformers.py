"""Transformer: what scikit-learn's transformers do, as a run's preparation; known ones are saved as plain data."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.frames import columns_of
from backlit.data.preparation import Preparation
from backlit.errors import BacklitWarning, InputError, ShapeError, unknown
from backlit.schema import fitted


@dataclass(frozen=True, eq=False)
class Transformer(Preparation):
    """A fitted transformer of scikit-learn, or several in a `Pipeline`, `ColumnTransformer` or `FeatureUnion`.

    A run's folder tells it by its settings and what it learned, without pickle: see `backlit.data.estimators` for the
    classes that can be told. Whatever else has `fit` and `transform` will do to train, but not to save.

    Attributes
    ----------
    transformer : object with ``transform(x)``
        Left as it is.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from backlit.data.preparation import describe, restore
    >>> scaler = Transformer(StandardScaler().fit([[1.0], [3.0]]))
    >>> scaler.apply([[5.0]]).tolist(), restore(describe(scaler)).apply([[5.0]]).tolist()
    ([[3.0]], [[3.0]])
    """

    transformer: Any

    def apply(self, raw: Any) -> Any:
        """What the transformer makes of raw input, written out where it is sparse.

        Raises
        ------
        InputError
            If it hasn't learned anything yet, or refuses the input; the message is its own.
        """
        rows = self._by_name(raw)
        try:
            made = self.transformer.transform(rows)
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(f"{_name(self.transformer)} can't prepare x: {error}") from error
        if hasattr(made, "toarray"):
            made = made.toarray()
        if len(made) != len(rows):
            raise ShapeError(f"{_name(self.transformer)} makes {len(made)} rows of {len(rows)}: they must stay as many")
        return made

    def _by_name(self, raw: Any) -> Any:
        """The columns that it learned from, in their order; what has no names, or was learned without, as it is."""
        names = self.column_names
        rows_of_dicts = isinstance(raw, (list, tuple)) and raw and all(isinstance(row, dict) for row in raw)
        if rows_of_dicts or isinstance(raw, dict):
            import polars

            raw = polars.DataFrame(columns_of(raw))
        if not names or not hasattr(raw, "columns"):
            return raw
        import narwhals as nw

        frame = nw.from_native(raw, eager_only=True)
        for name in names:
            if name not in frame.columns:
                raise InputError(f"{_name(self.transformer)}: {unknown('column', name, map(str, frame.columns))}")
        return frame[list(names)].to_native()

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(np.asarray(getattr(self.transformer, "feature_names_in_", ()), dtype=object).tolist())

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, and the version of scikit-learn whose it is.

        Raises
        ------
        InputError
            If something of it can't be told: a function of one's own, a class that isn't known.
        """
        import sklearn

        from backlit.data.estimators import told

        return {"version": sklearn.__version__, "transformer": told(self.transformer, _name(self.transformer))}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Transformer:
        """The inverse of `to_dict`.

        Raises
        ------
        InputError
            If the data tells of anything else than known transformers, numbers and texts.
        """
        import sklearn

        from backlit.data.estimators import estimator

        version = fitted(str, data.get("version"), "version")
        if version.split(".")[:2] != sklearn.__version__.split(".")[:2]:
            warnings.warn(
                f"this run's preparation was made by scikit-learn {version}, here is {sklearn.__version__}: hold its "
                "predictions for rows that you know against those from before",
                BacklitWarning,
                stacklevel=2,
            )
        return cls(estimator(data.get("transformer"), "transformer"))


def transformer_of(thing: Any) -> Transformer:
    """A fitted transformer as a preparation.

    Raises
    ------
    InputError
        If it is none, or hasn't been fitted.
    """
    if not is_transformer(thing):
        raise InputError(
            "preparation must have a method apply(raw) that gives an array, or fit and transform as in scikit-learn, "
            f"got {thing!r}"
        )
    if needs_fit(thing):
        raise InputError(f"{_name(thing)} hasn't learned anything yet: call its fit with the rows of training first")
    return Transformer(thing)


def is_transformer(thing: Any) -> bool:
    """Whether it is prepared with as scikit-learn does: by `fit` and `transform`."""
    return all(callable(getattr(thing, verb, None)) for verb in ("fit", "transform")) and not hasattr(thing, "apply")


def needs_fit(preparation: Any) -> bool:
    """Whether a transformer of scikit-learn hasn't learned anything yet."""
    if not is_transformer(preparation):
        return False
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(preparation)
    except (NotFittedError, TypeError):
        return True
    return False


def learned(transformer: Any, x: Any, y: Any) -> Transformer:
    """A copy of a transformer, fitted to some rows."""
    from sklearn.base import clone

    try:
        return Transformer(clone(transformer).fit(x, y))
    except (ValueError, TypeError) as error:
        raise InputError(f"{_name(transformer)} can't learn from x: {error}") from error


def _name(transformer: Any) -> str:
    return type(transformer).__name__
