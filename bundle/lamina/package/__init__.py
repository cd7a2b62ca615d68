"""A task as one self-contained MONAI bundle, for people who do not have Lamina.

``configs``   the workflows with the task written into them
``metadata``  what the bundle says about itself, and its README
``pack``      the folder and the zip
"""

from lamina.package.pack import pack_task

__all__ = [
    "pack_task",
]
