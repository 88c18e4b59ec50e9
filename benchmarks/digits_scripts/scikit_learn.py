import warnings

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)
x, y = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x / 16, y, test_size=0.2, random_state=0, stratify=y)
model = MLPClassifier((64,), batch_size=32, max_iter=50, n_iter_no_change=50, alpha=0, random_state=0)
model.fit(x_train, y_train)
print(model.score(x_test, y_test))
