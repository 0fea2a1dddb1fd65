"""Catalogue entries for running and storing models (E0507..E0509, E0610..E0618).  Pure data: see ``dsl.catalogue``."""

from __future__ import annotations

from dsl.catalogue.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "E0507",
        "the dense weights would be too large",
        "Exact weights are sparse and cost little; the arrays that run are dense. Before any of them is "
        "allocated their size is worked out from d_model, the number of tokens, the context and the heads, "
        "and refused above 8 GiB. One-hot positions are the usual reason: they take one dimension per "
        "position. `phase` and `code` take a few.",
    ),
    Entry(
        "E0508",
        "a weight does not fit the float type",
        "float16 ends at 65504. Lowering already balances W_Q against W_K by powers of two, so an entry that "
        "is still too large comes from a very large strength. bfloat16 has the range of float32.",
    ),
    Entry(
        "E0509",
        "these tokens cannot be run",
        "A compiled model reads integer ids of shape (batch, length), each of them a token of the spec, and "
        "no more positions than its `context`: a claim about longer sequences was never made, and W_pos has "
        "no rows for them. Generation counts the new tokens too.",
    ),
    Entry(
        "E0610",
        "the folder holds other things",
        "A compiled model is written into a folder of its own. A folder that is not empty, and whose "
        "config.json does not say that headspec wrote it, is left alone. With force the four files of a model "
        "are replaced, and nothing else in the folder is touched.",
    ),
    Entry(
        "E0611",
        "there is no model to read",
        "Reading a model needs a folder with `model.safetensors` in it, or that file itself.",
    ),
    Entry(
        "E0612",
        "the file is damaged",
        "A safetensors file is a length, a JSON header and the numbers, and each tensor says where its "
        "numbers stand. Here these do not fit together: the file was cut short, or is something else. Nothing "
        "of it was used.",
    ),
    Entry(
        "E0613",
        "the file is too large",
        "Files over 8 GiB, and headers over 64 MiB, are refused before they are read into memory.",
    ),
    Entry(
        "E0614",
        "the model was changed after it was compiled",
        "The file holds the SHA-256 of its spec and of its numbers. One of them does not agree, or the "
        "`spec.head` beside it is another text: the weights would no longer be those of the spec they travel "
        "with. To change a model, change its spec and compile it.",
    ),
    Entry(
        "E0615",
        "not a model that this headspec reads",
        "The file is a safetensors file, but the texts in it that describe a model are missing, malformed, or "
        "of a later format.",
    ),
    Entry(
        "E0616",
        "the tensors are not those of the model",
        "The sizes in the file say which tensors there must be, with which shapes and in which float type. "
        "What is there was compared with that before a model was built.",
    ),
    Entry(
        "E0617",
        "the folder cannot be written",
        "The files are written beside the folder and then renamed, so that no half-written model is left. The "
        "operating system refused; its reason is in the message.",
    ),
    Entry(
        "E0618",
        "another library has no such thing",
        "A HookedTransformer of TransformerLens has relu, gelu and silu neurons, absolute positions, and rotary ones "
        "with a whole base. What else a spec asks for runs in our own torch module, which has the same names and "
        "hooks.",
    ),
)
