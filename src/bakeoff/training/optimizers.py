"""Every optimizer of torch.optim and timm.optim, by name."""

import inspect
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import torch
from torch import nn

from bakeoff.errors import BakeoffError
from bakeoff.study.arguments import check_arguments, nearest
from bakeoff.study.entries import Optimizer
from bakeoff.training.randomness import stream_seed


def classes_of(module: ModuleType, base: type) -> dict[str, type[Any]]:
    """The public classes of a module that derive from `base`, by their names in lower case."""
    return {
        name.lower(): item
        for name, item in vars(module).items()
        if isinstance(item, type) and issubclass(item, base) and item is not base and not name.startswith("_")
    }


def build_optimizer(entry: Optimizer, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer of an entry. torch.optim comes first where both packages have the name.

    Raises BakeoffError for an unknown name or argument, and with the optimizer's own words for a wrong value.
    """
    try:
        build = optimizer_class(entry.name)
        check_arguments(build, entry.arguments, entry.name, ignore=frozenset({"params"}))
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        way = way_of_steps(entry)
        return build(trained, **({} if way == "loop" else {way: True}) | entry.arguments)
    except (TypeError, ValueError, RuntimeError, AssertionError, ImportError) as error:
        raise BakeoffError(f"{entry.name} cannot be built with {entry.arguments}: {error}") from error


def way_of_steps(entry: Optimizer) -> str:
    """How an optimizer of torch.optim steps: "fused" or "foreach" for all parameters at once, where torch has that for
    the CPU and GPUs, else "loop". Small networks spend a sixth of their training in the loop.

    Who gives one of torch's own arguments about it gets what it says. Optimizers of timm do as timm does.
    """
    build = optimizer_class(entry.name)
    known = inspect.signature(build).parameters if _is_of_torch(build) else {}
    if {"fused", "foreach", "differentiable", "capturable"} & set(entry.arguments):
        return next((way for way in ("fused", "foreach") if entry.arguments.get(way)), "loop")
    return next((way for way in ("fused", "foreach") if way in known), "loop")


def _is_of_torch(build: Callable[..., Any]) -> bool:
    return isinstance(build, type) and build.__module__.startswith("torch.optim")


def bare_step(optimizer: torch.optim.Optimizer) -> Callable[..., Any]:
    """`optimizer.step` without its decorators, which import torch's compiler (2 s) and tell the profiler.

    What they do for the result, switching gradients off, is done here. Takes a closure, as `step` does; it runs with
    gradients, which some of timm's optimizers forget.
    """
    step = inspect.unwrap(type(optimizer).step)
    optimizer._opt_called = True  # type: ignore[attr-defined]  # schedules warn unless they see `step` called

    @torch.no_grad()
    def take_step(closure: Callable[[], torch.Tensor] | None = None) -> Any:
        return step(optimizer, closure and torch.enable_grad()(closure))

    return take_step


def bare_zero_grad(optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """`optimizer.zero_grad` without telling the profiler, which small networks notice. An optimizer's own way stays."""
    if type(optimizer).zero_grad is not torch.optim.Optimizer.zero_grad:
        return optimizer.zero_grad

    def zero_grad() -> None:
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    return zero_grad


def is_second_order(optimizer: torch.optim.Optimizer) -> bool:
    """Whether it needs gradients that can be differentiated again: timm's AdaHessian."""
    return getattr(optimizer, "is_second_order", False)


def seed_optimizer(optimizer: torch.optim.Optimizer, seed: int, epoch: int) -> None:
    """AdaHessian draws from a generator of its own; no other optimizer draws torch's numbers."""
    if is_second_order(optimizer):
        _set_generator(optimizer).manual_seed(stream_seed(seed, "optimizer", epoch))


def state_of(optimizer: Any) -> dict[str, Any]:
    """An optimizer's `state_dict`, and what AdaHessian keeps beside it: its generator, each parameter's curvature."""
    state: dict[str, Any] = optimizer.state_dict()
    if is_second_order(optimizer):
        state["generator"] = optimizer.generator.get_state()
        state["curvatures"] = [parameter.hess for parameter in optimizer.get_params()]
    return state


def restore_state(optimizer: Any, state: dict[str, Any]) -> None:
    """Give an optimizer what `state_of` took, from whichever device."""
    optimizer.load_state_dict(state)
    if is_second_order(optimizer):
        _set_generator(optimizer).set_state(state["generator"])
        for parameter, curvature in zip(optimizer.get_params(), state["curvatures"], strict=True):
            parameter.hess = curvature.to(parameter.device) if isinstance(curvature, torch.Tensor) else curvature


def _set_generator(optimizer: Any) -> torch.Generator:
    """A new generator on the parameters' device, where AdaHessian would make one itself at its first step."""
    generator = torch.Generator(optimizer.param_groups[0]["params"][0].device)
    optimizer.generator = generator
    return generator


def check_optimizer(entry: Optimizer) -> None:
    """Build the optimizer and take a step on two tiny parameters. Raises BakeoffError when it cannot."""
    weight, bias = nn.Parameter(torch.ones(4, 4)), nn.Parameter(torch.ones(4))
    optimizer = build_optimizer(entry, [weight, bias])

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (weight.sum() + bias.sum()) ** 2
        loss.backward(create_graph=is_second_order(optimizer))  # type: ignore[no-untyped-call]
        return loss

    try:
        bare_step(optimizer)(closure)
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise BakeoffError(f"{entry.name} cannot train a network: {error}") from error


def optimizer_class(name: str) -> Callable[..., Any]:
    """An optimizer of torch.optim or timm.optim. Raises BakeoffError where there is none of that name."""
    available = classes_of(torch.optim, torch.optim.Optimizer)
    if name.lower() in available:
        return available[name.lower()]
    import timm.optim  # late: a second of start-up that torch's own optimizers do not need

    others = timm.optim.list_optimizers()
    if name.lower() not in others:
        known = [*others, *(item.__name__ for item in available.values())]
        raise BakeoffError(f"there is no optimizer {name!r}; {nearest(name, known)}", ["name"])
    return timm.optim.get_optimizer_class(name.lower(), bind_defaults=True)
