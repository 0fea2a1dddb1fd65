"""Exact numbers and sparse exact matrices: the only place that knows SymPy, and only when somebody asks for it.

In: rationals, symbols, angles, syntax.  Out: ``Scalar``, ``Angle``, ``Matrix``, their enclosures, their rank
certificates and their printed forms.  Not for: deciding what a head's circuit is (``circuits``) or how it splits
into W_Q, W_K, W_V, W_O (``factorization``).
"""

from compiler.exact.angle import Angle
from compiler.exact.matrix import Matrix
from compiler.exact.printing import matrix_to_json, render_matrix
from compiler.exact.rank import RankCertificate, certify_rank
from compiler.exact.scalar import Scalar

__all__ = ["Angle", "Matrix", "RankCertificate", "Scalar", "certify_rank", "matrix_to_json", "render_matrix"]
