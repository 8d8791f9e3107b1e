"""Random variates, drawn in blocks.

The rule of this module: one stream a variate, so that changing one distribution leaves the draws
of all others as they were. A block costs 50 ns a draw where single draws cost ten times that.

A variate is either taken in turn (`uniform`, `gamma`, `lognormal` on a stream) or, where two runs
are to be compared, looked up by the number of the call it belongs to (`keyed`): call 4711 then has
the same ring, talk and wrap-up time under every pacer, whatever was drawn before it. These are
common random numbers, and they make the difference of two pacers far more certain than either.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from math import log, sqrt
from zlib import crc32

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

_BLOCK_BITS = 10
_BLOCK = 1 << _BLOCK_BITS
_KEPT_BLOCKS = 256

Variate = Callable[[], float]
Keyed = Callable[[int], float]
"""From the number of a call (or an agent, a contact, a period) to its draw."""

Seed = int | Sequence[int]
"""What SeedSequence takes: (seed, replication) gives each replication streams of its own."""


def keyed(seed: Seed, name: str, draw: Callable[[Generator, int], NDArray[np.float64]]) -> Keyed:
    """Draws by number, the same for the same seed, name and number.

    name: of the variate; other names have independent streams.
    draw: makes a block, such as the `draw` of a law.

    Each block of numbers has a SeedSequence child of its own, (name, block), so that any number
    can be had without drawing those before it. Two laws of one family that differ in their scale
    only give draws in that proportion; so a change of a mean is felt by each call alike.
    """
    stream = crc32(name.encode())
    entropy = seed if isinstance(seed, int) else list(seed)
    blocks: dict[int, list[float]] = {}

    def made(block: int) -> list[float]:
        # numpy wants the key's parts unsigned; a number below 0 is still a number.
        key = (stream, block & 0xFFFFFFFF)
        generator = Generator(PCG64(SeedSequence(entropy, spawn_key=key)))
        if len(blocks) >= _KEPT_BLOCKS:
            del blocks[next(iter(blocks))]
        blocks[block] = draw(generator, _BLOCK).tolist()
        return blocks[block]

    def at(number: int) -> float:
        block = blocks.get(number >> _BLOCK_BITS)
        if block is None:
            block = made(number >> _BLOCK_BITS)
        return block[number & (_BLOCK - 1)]

    return at


def uniforms(generator: Generator, size: int) -> NDArray[np.float64]:
    """A block of uniforms on [0, 1), for `keyed`."""
    return generator.random(size)


def uniform(stream: Generator, low: float = 0.0, high: float = 1.0) -> Variate:
    """Uniform on [low, high)."""
    return _blocks(lambda size: stream.uniform(low, high, size))


def gamma(stream: Generator, mean: float, shape: float) -> Variate:
    """Gamma with a mean and a shape (k)."""
    return _blocks(lambda size: stream.gamma(shape, mean / shape, size))


def lognormal(stream: Generator, mean: float, cv: float) -> Variate:
    """Lognormal with a mean and a coefficient of variation."""
    variance = log(1.0 + cv * cv)
    return _blocks(lambda size: stream.lognormal(log(mean) - variance / 2, sqrt(variance), size))


def _blocks(draw: Callable[[int], NDArray[np.float64]]) -> Variate:
    """One draw after the other, block after block."""
    blocks: Iterator[list[float]] = iter(lambda: draw(_BLOCK).tolist(), None)
    return chain.from_iterable(blocks).__next__
