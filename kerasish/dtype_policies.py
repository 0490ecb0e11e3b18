"""Dtype policies (`keras.dtype_policies`)."""

from kerasish.core.dtype_policy import DTypePolicy, FloatDTypePolicy, deserialize, get, serialize
from kerasish.core.dtype_policy_map import DTypePolicyMap
