"""What to change in Lightning's code, by finding: PyTorch's, but for what the Trainer does."""

from __future__ import annotations

from backlit.doctor.remedies import torch

_OPTIMIZER = "def configure_optimizers(self): return "

CODE = {
    **torch.CODE,
    "frozen layer": f"{_OPTIMIZER}torch.optim.Adam(self.parameters(), lr=0.001)",
    "gradients never cleared": "self.optimizers().zero_grad()  # with manual optimization, once an update",
    "trained in evaluation mode": "self.train()  # in on_train_epoch_start",
    "gradient explodes through layers": "L.Trainer(gradient_clip_val=1.0)",
    "gradient explodes through time": "L.Trainer(gradient_clip_val=1.0)",
    "source of NaN": "L.Trainer(detect_anomaly=True)  # names the operation; keep its argument in range",
    "learning rate too high": f"{_OPTIMIZER}torch.optim.Adam(self.parameters(), lr={{lower:g}})",
    "learning rate too low": f"{_OPTIMIZER}torch.optim.Adam(self.parameters(), lr={{better:g}})",
    "weight decay too strong": f"{_OPTIMIZER}torch.optim.AdamW(self.parameters(), weight_decay=1e-4)",
    "overfitting": 'L.Trainer(callbacks=[L.pytorch.callbacks.EarlyStopping("val_loss", patience=10)])',
    "stopped early": "L.Trainer(max_epochs=3 * epochs)",
}
