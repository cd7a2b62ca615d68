from tests.scan_files import (  # noqa: F401
    _pydicom_as_usual,
    data,
    oblique,
    volume,
    write_dicom,
    write_nifti,
    write_picture,
    write_series,
)
