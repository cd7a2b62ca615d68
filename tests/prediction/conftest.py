from tests.ct_files import labels, oblique, paint, predict, write_ct, write_series  # noqa: F401
