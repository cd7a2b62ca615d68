"""What people look at: views of an image, panels, overlays, charts, and the head of pages."""

from lamina.pictures.case_pictures import panel_drawer

__all__ = [
    "panel_drawer",
]
