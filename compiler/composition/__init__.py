"""How heads act together: net heads, virtual heads, composition scores, path expansion, singular values.

In: exact weights (any object with the shape of ``products.WeightsLike``).  Out: ``Expansion``, with ``to_json``.
Not for: attention patterns of an input (run the model), nor MLPs.

Definitions, after Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits", with residual vectors as
columns, W_QK = W_Q^T W_K (score = x_query^T W_QK x_key) and W_OV = W_O W_V; head 1 stands in an earlier layer:

    Q-composition  |W_QK2^T W_OV1| / (|W_QK2| |W_OV1|)      virtual head   W_OV2 W_OV1
    K-composition  |W_QK2   W_OV1| / (|W_QK2| |W_OV1|)      V-composition matrix   W_V2 W_O1
    V-composition  |W_OV2   W_OV1| / (|W_OV2| |W_OV1|)      path   W_U W_OVn ... W_OV1 W_E

    moved by k heads   the sum of W_OVk ... W_OV1 over all chains of k heads: for k = 1 the net heads, for k = 2 the
                       virtual heads.  With k previous-token heads it is what is copied from k tokens back.

with Frobenius norms |.|.  Random matrices do not score 0: Elhage et al. compare with that baseline; so should you.

``products`` multiplies the circuits of heads, ``scores`` compares products with their factors, ``measures`` are norms
and singular values, ``expansion`` is the whole of a model, ``rendering`` its text.
"""
