"""What people draw, as masks.

Readers of tools (``via``, ``labelme``, ``coco``, ``cvat``) return ``shapes``; ``convert`` makes
masks of them, and ``merge`` one mask of those of left and right.
"""
