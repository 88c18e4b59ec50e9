"""What to change in scikit-learn's code, by finding, for MLPClassifier and MLPRegressor."""

from __future__ import annotations

_SCALE = "mlp = make_pipeline(StandardScaler(), mlp)"
_START = "mlp.set_params(warm_start=False).fit(X, y)  # draws the start anew, by Glorot's rule"
_FLOWING = 'mlp.set_params(hidden_layer_sizes=(64, 64), activation="relu")'
_NO_SUCH = "# MLPClassifier and MLPRegressor have no such part"

CODE = {
    "missing inputs": "mlp = make_pipeline(SimpleImputer(), StandardScaler(), mlp)",
    "leak between splits": "X, first = np.unique(X, axis=0, return_index=True); y = y[first]  # before splitting",
    "contrary duplicates": "X, place = np.unique(X, axis=0, return_inverse=True)  # then one target each",
    "mask hides the target": _NO_SUCH,
    "truncated sequences": _NO_SUCH,
    "padding not masked": _NO_SUCH,
    "unrelated labels": "X, y = sklearn.utils.shuffle(X, y)  # one order for both; look at a few pairs",
    "classes as numbers": "mlp = MLPClassifier().fit(X, y.astype(int))",
    "unscaled targets": "mlp = TransformedTargetRegressor(mlp, transformer=StandardScaler())",
    "softmax twice": _NO_SUCH,
    "activation before the loss": _NO_SUCH,
    "softmax on one unit": _NO_SUCH,
    "targets out of reach": _NO_SUCH,
    "outputs and targets of different shapes": _NO_SUCH,
    "tiny batches in batch norm": _NO_SUCH,
    "no non-linearity": 'mlp.set_params(activation="relu")  # "identity" bends nothing',
    "constant initialisation": _START,
    "zero initialisation": _START,
    "initial weights too small": 'mlp.set_params(activation="relu")  # starts larger than "logistic"',
    "initial weights too large": _START,
    "negative bias": _START,
    "unscaled inputs": _SCALE,
    "off-centre inputs": _SCALE,
    "constant columns": "mlp = make_pipeline(VarianceThreshold(), StandardScaler(), mlp)",
    "unconnected layer": _START,
    "frozen layer": _START,
    "gradients never cleared": _NO_SUCH,
    "trained in evaluation mode": _NO_SUCH,
    "saturating activations in depth": _FLOWING,
    "gradient vanishes through layers": _FLOWING,
    "gradient explodes through layers": _FLOWING,
    "gradient vanishes through time": _NO_SUCH,
    "gradient explodes through time": _NO_SUCH,
    "source of NaN": _SCALE,
    "weight decay too strong": "mlp.set_params(alpha=mlp.alpha / 100)",
    "learning rate too high": "mlp.set_params(learning_rate_init={lower:g})",
    "learning rate oscillating": 'mlp.set_params(solver="sgd", learning_rate="adaptive", learning_rate_init={start:g})',
    "learning rate too low": "mlp.set_params(learning_rate_init={better:g})",
    "dropout too strong": _NO_SUCH,
    "imbalance hidden by accuracy": 'mlp.fit(X, y, sample_weight=compute_sample_weight("balanced", y))',
    "too little capacity": "mlp.set_params(hidden_layer_sizes=(64, 64))",
    "overfitting": "mlp.set_params(early_stopping=True, alpha=0.01)",
    "stopped early": "mlp.set_params(max_iter=3 * mlp.max_iter)",
}
