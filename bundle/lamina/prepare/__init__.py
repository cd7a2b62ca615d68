"""From what a study starts with to a data set.

``retouch``    OCT volumes of three vendors with fluid, as the RETOUCH challenge hands them out
``histogram``  grey values as those of a reference
``region``     where the retina lies
"""

from lamina.prepare.retouch import prepare_retouch

__all__ = [
    "prepare_retouch",
]
