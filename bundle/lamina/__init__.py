"""Lamina: a MONAI bundle that segments medical images with a U-Net, from a folder to a result.

The rooms of the package follow the way of the data, and each imports only from rooms before it:

``errors``, ``tasks``  what is segmented, and with which settings (``configs/tasks/NAME.json``)
``cases``              what a folder holds: reading, pairing with labels, splits
``phantoms``           synthetic images whose reference is known exactly
``transforms``         the dictionary and batch transforms that the JSON names
``training``           progress, checkpoints, schedules
``inference``          precision, windows, the way back to the image's own grid
``metrics``            overlap and distances, per case and as a summary
``output``             label files, pictures, tables and the report
``package``            a task as one self-contained MONAI bundle
``label``              a MONAI Label server for packed tasks
``cli``                ``lamina …``: short commands for the ``monai.bundle`` lines that they run
"""

__version__ = "0.1.0"
