"""Batch renormalization: training with moving moments, up to a correction towards the batch's (Ioffe, 2017)."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.weight_arguments import clone_initializer
from kerasish.layers.normalization.base_normalization import follow

_BOUNDS = ("rmax", "rmin", "dmax")


class HasRenorm:
    """The part of `BatchNormalization` that its arguments `renorm...` switch on."""

    epsilon: float
    momentum: float
    moving_mean: Any
    moving_variance: Any

    def _set_renorm(self, renorm: bool, clipping: dict[str, Any] | None, momentum: float) -> None:
        if renorm:
            clipping = clipping or {}
            rmin, rmax, dmax = clipping.get("rmin"), clipping.get("rmax"), clipping.get("dmax")
            if set(clipping) - set(_BOUNDS):
                raise ValueError(f"argument `renorm_clipping` may have the keys {_BOUNDS}. Received invalid keys "
                                 f"{sorted(set(clipping) - set(_BOUNDS))}")
            if rmin is not None and rmax is not None and rmax < rmin:
                raise ValueError(f"argument `renorm_clipping`: rmax should be at least rmin, got {clipping}")
            if dmax is not None and dmax < 0:
                raise ValueError(f"argument `renorm_clipping`: dmax should be non-negative, got {clipping}")
        self.renorm, self.renorm_clipping, self.renorm_momentum = renorm, clipping, momentum

    def _add_renorm_moments(self, shape: tuple) -> None:
        def root(shape: Any, dtype: Any = None) -> Any:
            return ops.sqrt(clone_initializer(self.moving_variance_initializer)(shape, dtype=dtype))  # type: ignore

        def add(name: str, initializer: Any) -> Any:
            return self.add_weight(name=name, shape=shape, initializer=initializer,  # type: ignore[attr-defined]
                                   trainable=False, autocast=False)

        self.moving_stddev = add("moving_stddev", root)
        self.renorm_mean = add("renorm_mean", clone_initializer(self.moving_mean_initializer))  # type: ignore
        self.renorm_stddev = add("renorm_stddev", root)

    def _renormalized(self, mean: Any, variance: Any, gamma: Any, beta: Any) -> tuple[Any, Any]:
        """Return gamma and beta with the correction in them, and let all moving moments follow the batch's.

        With moments mu, sigma of the batch and moving ones m, s, `(x - m) / s` is `(x - mu) / sigma * r + d` with
        r = sigma / s and d = (mu - m) / s, which are bounded and taken for constants.
        """
        deviation = ops.sqrt(variance + self.epsilon)
        usual = ops.maximum(ops.cast(self.renorm_stddev, mean.dtype), self.epsilon**0.5)
        bounds = self.renorm_clipping or {}
        r, d = deviation / usual, (mean - ops.cast(self.renorm_mean, mean.dtype)) / usual
        if bounds.get("rmin") is not None:
            r = ops.maximum(r, bounds["rmin"])
        if bounds.get("rmax") is not None:
            r = ops.minimum(r, bounds["rmax"])
        if bounds.get("dmax") is not None:
            d = ops.clip(d, -bounds["dmax"], bounds["dmax"])
        r, d = ops.stop_gradient(r), ops.stop_gradient(d)
        follow(self.renorm_mean, mean, self.renorm_momentum)
        follow(self.renorm_stddev, deviation, self.renorm_momentum)
        follow(self.moving_mean, mean, self.momentum)
        moving = follow(self.moving_stddev, deviation, self.momentum)
        self.moving_variance.assign(ops.relu(moving * moving - self.epsilon))
        if gamma is not None:
            gamma = ops.cast(gamma, mean.dtype)
            r, d = r * gamma, d * gamma
        return r, d if beta is None else d + ops.cast(beta, mean.dtype)

    def _renorm_config(self) -> dict[str, Any]:
        return {"renorm": self.renorm, "renorm_clipping": self.renorm_clipping,
                "renorm_momentum": self.renorm_momentum}
