"""What to change in PyTorch's code, by finding."""

from __future__ import annotations

_INIT = 'torch.nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu"); torch.nn.init.zeros_(layer.bias)'
_SCALE = "mean, std = x.mean(dim=0), x.std(dim=0).clamp_min(1e-6); x = (x - mean) / std  # training rows' mean and std"
_NO_ACTIVATION = "model = torch.nn.Sequential(*list(model)[:-1])  # or leave it out of forward()"
_LATER_LOSS = ": the loss applies softmax or sigmoid itself"
_FLOWING = "torch.nn.LayerNorm(units)  # before activations; or a residual connection, x + block(x)"

CODE = {
    "missing inputs": "keep = torch.isfinite(x).flatten(1).all(dim=1); x, y = x[keep], y[keep]  # or fill the gaps",
    "leak between splits": "x, first = np.unique(x, axis=0, return_index=True); y = y[first]  # before splitting",
    "contrary duplicates": "x, place = np.unique(x, axis=0, return_inverse=True)  # then one target each",
    "mask hides the target": "torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, "
    "enforce_sorted=False)  # with the true lengths",
    "truncated sequences": "torch.nn.utils.rnn.pad_sequence(sequences, batch_first=True)  # as long as the longest",
    "padding not masked": "packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, "
    "enforce_sorted=False); _, state = rnn(packed)",
    "unrelated labels": "order = torch.randperm(len(x)); x, y = x[order], y[order]  # one order for both",
    "classes as numbers": "loss_fn = torch.nn.CrossEntropyLoss(); y = y.long().flatten()"
    "  # with an output for each class",
    "unscaled targets": "y = (y - y.mean()) / y.std()  # and predictions back: model(x) * std + mean",
    "softmax twice": f"{_NO_ACTIVATION}{_LATER_LOSS}",
    "activation before the loss": f"{_NO_ACTIVATION}{_LATER_LOSS}",
    "softmax on one unit": "loss_fn = torch.nn.BCEWithLogitsLoss()  # on the one score, without the softmax",
    "targets out of reach": f"{_NO_ACTIVATION}: numbers need a linear output",
    "outputs and targets of different shapes": "loss = loss_fn(model(x), y.reshape(len(y), -1))"
    "  # (rows, 1) beside (rows, 1)",
    "tiny batches in batch norm": "loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=True)"
    "  # or torch.nn.LayerNorm",
    "no non-linearity": "torch.nn.Sequential(torch.nn.Linear(inputs, 64), torch.nn.ReLU(), "
    "torch.nn.Linear(64, outputs))",
    "constant initialisation": _INIT,
    "zero initialisation": _INIT,
    "initial weights too small": _INIT,
    "initial weights too large": _INIT,
    "negative bias": "torch.nn.init.zeros_(layer.bias)",
    "unscaled inputs": _SCALE,
    "off-centre inputs": _SCALE,
    "constant columns": "x = x[:, x.std(dim=0) > 0]",
    "unconnected layer": "print(model)  # is the layer's output used, and is what follows differentiable (no argmax, "
    "round, detach)?",
    "frozen layer": "optimizer = torch.optim.Adam(model.parameters(), lr=0.001)  # all parameters",
    "gradients never cleared": "optimizer.zero_grad()  # before loss.backward(), once an update",
    "trained in evaluation mode": "model.train()  # at the beginning of each epoch",
    "saturating activations in depth": "torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU())"
    "  # in place of the sigmoids",
    "gradient vanishes through layers": _FLOWING,
    "gradient explodes through layers": "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)"
    "  # before optimizer.step(); or torch.nn.LayerNorm before activations",
    "gradient vanishes through time": "torch.nn.LSTM(inputs, units, batch_first=True)  # in place of torch.nn.RNN",
    "gradient explodes through time": "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)"
    "  # before optimizer.step()",
    "source of NaN": "torch.autograd.set_detect_anomaly(True)  # names the operation; keep its argument in range",
    "weight decay too strong": 'for group in optimizer.param_groups: group["weight_decay"] /= 100',
    "learning rate too high": 'for group in optimizer.param_groups: group["lr"] = {lower:g}',
    "learning rate oscillating": "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max={steps})"
    "  # from lr={start:g}; scheduler.step() after each optimizer.step()",
    "learning rate too low": 'for group in optimizer.param_groups: group["lr"] = {better:g}',
    "dropout too strong": "torch.nn.Dropout(0.2)",
    "imbalance hidden by accuracy": "loss_fn = torch.nn.CrossEntropyLoss(weight=len(y) / (classes * y.bincount()))",
    "too little capacity": "torch.nn.Linear(inputs, 64)  # wider hidden layers",
    "overfitting": "optimizer = torch.optim.AdamW(model.parameters(), lr=0.001, weight_decay=0.1)"
    "  # and keep the epoch of the least held-out loss; or more rows, torch.nn.Dropout(0.2)",
    "stopped early": "epochs = 3 * epochs",
    "shifted split": "print(x.mean(0), held_x.mean(0), x.std(0), held_x.std(0))"
    "  # what differs? Prepare both parts alike; if it is what will come, learn from rows like these",
    "labels wrong in one part": "print(x[:3], y[:3], held_x[:3], held_y[:3])  # do the pairs go together?",
    "leaking column": "keep = [i for i in range(x.shape[1]) if i != {column}]; x = x[:, keep]",
    "sorted rows": "loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=True)",
    "unknown tokens": "print(tokens.unique(return_counts=True))  # does the vocabulary fit the texts?",
    "lopsided weights": "loss_fn = torch.nn.CrossEntropyLoss()  # without weights",
    "batch-dependent outputs": "y = torch.softmax(y, dim=-1)  # along the last axis, not along the rows",
    "codes for missing values": "x = torch.where(x == {code:g}, float('nan'), x)  # then fill in",
    "outlying rows": "x = x.clamp(x.quantile(0.01, dim=0), x.quantile(0.99, dim=0))",
    "clipping too strong": "torch.nn.utils.clip_grad_norm_(model.parameters(), {better:g})",
    "momentum too high": 'for group in optimizer.param_groups: group.update(dict(momentum=0.9) if "momentum" in group '
    'else dict(betas=(0.9, group["betas"][1])))',
    "rate falls too soon": "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max={steps})",
    "delta too small": "loss_fn = torch.nn.HuberLoss(delta={better:g})",
    "worse than guessing": "torch.save(model.state_dict(), 'best.pt')  # at the least held-out loss",
    "open cause": "model = build(); optimizer = torch.optim.Adam(model.parameters(), lr=0.003)  # one change at a time",
}
