"""What to change in Keras' code, by finding."""

from __future__ import annotations

_INIT = 'keras.layers.Dense(units, kernel_initializer="glorot_uniform")  # "he_normal" before relu'
_SCALE = "scale = keras.layers.Normalization(); scale.adapt(x)  # as the network's first layer"
_NO_ACTIVATION = "keras.layers.Dense(outputs)  # the last layer, without an activation"

CODE = {
    "missing inputs": "keep = np.isfinite(x).reshape(len(x), -1).all(axis=1); x, y = x[keep], y[keep]",
    "leak between splits": "x, first = np.unique(x, axis=0, return_index=True); y = y[first]  # before splitting",
    "contrary duplicates": "x, place = np.unique(x, axis=0, return_inverse=True)  # then one target each",
    "mask hides the target": "keras.layers.Masking(mask_value=-1.0)  # a value that no real step has",
    "truncated sequences": "keras.utils.pad_sequences(sequences)  # as long as the longest",
    "padding not masked": "keras.layers.Masking()  # before the recurrent layer; or Embedding(..., mask_zero=True)",
    "unrelated labels": "order = rng.permutation(len(x)); x, y = x[order], y[order]  # one order for both",
    "classes as numbers": "model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))"
    "  # with an output for each class",
    "unscaled targets": "y = (y - y.mean()) / y.std()  # and predictions back: model.predict(x) * std + mean",
    "softmax twice": f"{_NO_ACTIVATION}; or from_logits=False",
    "activation before the loss": f"{_NO_ACTIVATION}; or from_logits=False",
    "softmax on one unit": 'keras.layers.Dense(1, activation="sigmoid")  # with loss="binary_crossentropy"',
    "targets out of reach": f"{_NO_ACTIVATION}: numbers need a linear output",
    "outputs and targets of different shapes": "y = y.reshape(len(y), -1)  # (rows, 1) beside (rows, 1)",
    "tiny batches in batch norm": "model.fit(x, y, batch_size=32)  # or keras.layers.LayerNormalization",
    "no non-linearity": 'keras.layers.Dense(64, activation="relu")  # an activation after each hidden layer',
    "constant initialisation": _INIT,
    "zero initialisation": _INIT,
    "initial weights too small": _INIT,
    "initial weights too large": _INIT,
    "negative bias": 'keras.layers.Dense(units, kernel_initializer="he_normal", bias_initializer="zeros")',
    "unscaled inputs": _SCALE,
    "off-centre inputs": _SCALE,
    "constant columns": "x = x[:, x.std(axis=0) > 0]",
    "unconnected layer": "model.summary()  # is the layer's output used, and is what follows differentiable?",
    "frozen layer": "layer.trainable = True; model.compile(optimizer=optimizer, loss=loss)  # compile again",
    "gradients never cleared": "gradients = tape.gradient(loss, model.trainable_variables)  # anew for each update",
    "trained in evaluation mode": "model(x, training=True)",
    "saturating activations in depth": 'keras.layers.Dense(64, activation="relu", kernel_initializer="he_normal")',
    "gradient vanishes through layers": "keras.layers.LayerNormalization()  # before activations; or "
    "keras.layers.add([x, block(x)])",
    "gradient explodes through layers": "keras.optimizers.Adam(clipnorm=1.0)",
    "gradient vanishes through time": "keras.layers.LSTM(units)  # in place of keras.layers.SimpleRNN",
    "gradient explodes through time": "keras.optimizers.Adam(clipnorm=1.0)",
    "source of NaN": "keras.losses.SparseCategoricalCrossentropy(from_logits=True)  # on scores; keep arguments of log "
    "and sqrt in range",
    "weight decay too strong": "keras.optimizers.AdamW(weight_decay=1e-4)",
    "learning rate too high": "model.optimizer.learning_rate = {lower:g}",
    "learning rate oscillating": "keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay({start:g}, {steps}))",
    "learning rate too low": "model.optimizer.learning_rate = {better:g}",
    "dropout too strong": "keras.layers.Dropout(0.2)",
    "imbalance hidden by accuracy": "model.fit(x, y, class_weight=dict(enumerate(len(y) / (classes * "
    "np.bincount(y)))))",
    "too little capacity": 'keras.layers.Dense(64, activation="relu")  # wider hidden layers',
    "overfitting": "model.fit(x, y, validation_split=0.2, callbacks=[keras.callbacks.EarlyStopping(patience=10, "
    "restore_best_weights=True)])",
    "stopped early": "model.fit(x, y, epochs=3 * epochs)",
    "shifted split": "print(x.mean(0), held_x.mean(0), x.std(0), held_x.std(0))"
    "  # what differs? Prepare both parts alike; if it is what will come, learn from rows like these",
    "labels wrong in one part": "print(x[:3], y[:3], held_x[:3], held_y[:3])  # do the pairs go together?",
    "leaking column": "x = np.delete(x, {column}, axis=1)",
    "sorted rows": "model.fit(x, y, shuffle=True)",
    "unknown tokens": "text = keras.layers.TextVectorization(); text.adapt(texts)  # on the texts that are trained on",
    "lopsided weights": "model.fit(x, y)  # without class_weight and sample_weight",
    "batch-dependent outputs": "y = keras.ops.softmax(y, axis=-1)  # along the last axis, not along the rows",
    "codes for missing values": "x = np.where(x == {code:g}, np.nan, x)  # then fill in",
    "outlying rows": "x = np.clip(x, *np.quantile(x, [0.01, 0.99], axis=0))",
    "clipping too strong": "keras.optimizers.SGD(clipnorm={better:g})",
    "momentum too high": "keras.optimizers.SGD(momentum=0.9)  # or Adam(beta_1=0.9)",
    "rate falls too soon": "keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.003, {steps}))",
    "delta too small": "model.compile(loss=keras.losses.Huber(delta={better:g}))",
    "worse than guessing": "model.fit(x, y, validation_split=0.2, callbacks=["
    "keras.callbacks.EarlyStopping(restore_best_weights=True)])",
    "open cause": "model.compile(optimizer=keras.optimizers.Adam(0.003), loss=loss)  # one change at a time",
}
