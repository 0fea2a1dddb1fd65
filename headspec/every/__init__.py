"""Every prompt of a spec, batch by batch on a device: does the model write what the spec's claims say?

In: a program whose outputs are all claimed, and a torch module.  Out: ``EveryFigures``.  Not for: attention patterns,
nor the reference meaning, which ``headspec.verification.comparing`` holds a sample against.

``asking`` when this is done; ``plan`` for which specs; ``ranges``, ``counts`` and ``checkpoint`` what is finished;
``checking`` one batch; ``running`` all of them; ``processes`` several at once; ``drawing`` a sample instead; ``cost``
what the device could do at best.
"""

from __future__ import annotations
