import backlit as bl

data = bl.data.load("digits")
train, test = bl.data.split(data.y, (0.8, 0.2), seed=0, stratify=data.y)
net = bl.Sequential(bl.Linear(64), bl.ReLU(), bl.Linear(10))
run = bl.fit(net, data.x[train] / 16, data.y[train], optimizer=bl.Adam(1e-3), epochs=50, batch_size=32, seed=0)
print(run.evaluate(data.x[test] / 16, data.y[test])["accuracy"])
