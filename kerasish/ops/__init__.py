"""The public tensor ops, by family."""

from kerasish.ops import image, linalg, nn, numpy
from kerasish.ops.activation import *
from kerasish.ops.attention import *
from kerasish.ops.comparison import *
from kerasish.ops.control import *
from kerasish.ops.conv import *
from kerasish.ops.conversion import *
from kerasish.ops.correlation import *
from kerasish.ops.creation import *
from kerasish.ops.crossentropy import *
from kerasish.ops.ctc import *
from kerasish.ops.custom_gradient import *
from kerasish.ops.decompositions import *
from kerasish.ops.diagonals import *
from kerasish.ops.elementwise import *
from kerasish.ops.encoding import *
from kerasish.ops.fft import *
from kerasish.ops.indexing import *
from kerasish.ops.joining import *
from kerasish.ops.normalization import *
from kerasish.ops.patches import *
from kerasish.ops.pool import *
from kerasish.ops.products import *
from kerasish.ops.rearrange import *
from kerasish.ops.reduction import *
from kerasish.ops.shape import *
from kerasish.ops.softmax import *
from kerasish.ops.sorting import *
from kerasish.ops.statistics import *
from kerasish.ops.vectorize import *
