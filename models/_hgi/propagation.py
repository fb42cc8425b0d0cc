"""One step of graph convolution: the symmetrically normalised adjacency matrix with self-loops, and products with it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor


def normalised(row: np.ndarray, column: np.ndarray, weight: np.ndarray, n: int) -> sparse.csr_array:
    """Return D^-1/2 (A + I) D^-1/2 with D the row sums of A + I (Kipf and Welling, Eq. 2), float32 (n, n).

    Parameters
    ----------
    row, column
        int64 (m,): entries of the symmetric matrix A, each edge in both directions, no self-loops.
    weight
        float (m,), at least 0.
    n
        Number of nodes.
    """
    loops = np.arange(n)
    matrix = sparse.csr_array(
        (
            np.concatenate([weight, np.ones(n)]),
            (np.concatenate([row, loops]), np.concatenate([column, loops])),
        ),
        shape=(n, n),
    )
    scale = sparse.diags_array(1 / np.sqrt(np.asarray(matrix.sum(axis=1)).ravel()))
    made = sparse.csr_array(scale @ matrix @ scale, dtype=np.float32)
    made.sort_indices()
    return made


def as_tensor(matrix: sparse.csr_array, device: str) -> Tensor:
    """Return a sparse matrix as a tensor."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*[Ss]parse CSR.*", UserWarning)  # "is in beta state"
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data),
            size=matrix.shape,
            device=device,
            check_invariants=True,
        )


def propagate(matrix: Tensor, vectors: Tensor) -> Tensor:
    """Return the product of a symmetric sparse matrix (n, n) and vectors (n, d), with a gradient for the vectors."""
    made: Tensor = _Product.apply(vectors, matrix)  # type: ignore[no-untyped-call]  # autograd functions are untyped
    return made


def spread_categories(matrix: Tensor, category: Tensor, table: Tensor) -> Tensor:
    """Return the product of a sparse matrix (n, n) and the features of nodes (n, d), of which each has those of its category.

    On a processor the columns are renamed to categories, so that the product reads a small table in place of a row for every node.

    Parameters
    ----------
    matrix
        Sparse (n, n), in rows.
    category
        int64 (n,): row of `table` of every node.
    table
        Features of categories (c, d).
    """
    if matrix.is_cuda:  # where products are promised for rows that name a column once
        return matrix @ table[category]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*[Ss]parse CSR.*", UserWarning)  # as above
        renamed = torch.sparse_csr_tensor(
            matrix.crow_indices(),
            category[matrix.col_indices()],
            matrix.values(),
            size=(matrix.shape[0], len(table)),
            check_invariants=False,  # a row may name a category twice: its entries add up
        )
    return renamed @ table


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor, matrix: Tensor) -> Tensor:
        ctx.matrix = matrix
        return matrix @ vectors

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.matrix @ gradient, None
