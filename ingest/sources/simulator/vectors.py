"""What the model calls its arrays of numbers: one element a link, a sensor or a step of time."""

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Numbers = NDArray[np.int64]
