"""What people draw, as masks.

``shapes``     what all tools have in common: outlines and bitmaps with a label
``via``        VGG Image Annotator, JSON of versions 1 and 2
``labelme``    labelme, one JSON a picture
``coco``       COCO, polygons and run lengths
``cvat``       CVAT for images, XML
``read``       which of these a file is
``pictures``   which picture is meant by a name
``draw``       from shapes to class values
``convert``    one annotated picture, with all that is worth saying about it
``mask_folder``  where its mask goes
``merge``      masks of left and right made into one
"""

from lamina.annotations.convert import Converted, Drawing, MaskFolder, convert
from lamina.annotations.draw import draw
from lamina.annotations.find_picture import Pictures
from lamina.annotations.read import read_annotations
from lamina.annotations.shapes import AnnotatedImage, Bitmap, Shape

__all__ = [
    "AnnotatedImage",
    "Bitmap",
    "Converted",
    "Drawing",
    "MaskFolder",
    "Pictures",
    "Shape",
    "convert",
    "draw",
    "read_annotations",
]
