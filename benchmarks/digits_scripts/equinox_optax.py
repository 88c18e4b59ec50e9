import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

x, y = load_digits(return_X_y=True)
x = (x / 16).astype("float32")
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=0, stratify=y)
model = eqx.nn.MLP(64, 10, 64, 1, key=jax.random.key(0))
optimizer = optax.adam(1e-3)
state = optimizer.init(eqx.filter(model, eqx.is_array))


def loss_of(model, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(jax.vmap(model)(x), y).mean()


@eqx.filter_jit
def step(model, state, x, y):
    gradients = eqx.filter_grad(loss_of)(model, x, y)
    updates, state = optimizer.update(gradients, state)
    return eqx.apply_updates(model, updates), state


rng = np.random.default_rng(0)
for _ in range(50):
    order = rng.permutation(len(x_train))
    for i in range(0, len(order), 32):
        rows = order[i : i + 32]
        model, state = step(model, state, x_train[rows], y_train[rows])
print(float((jax.vmap(model)(jnp.asarray(x_test)).argmax(1) == y_test).mean()))
