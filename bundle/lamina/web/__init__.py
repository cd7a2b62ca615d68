"""The web app: try a model, exchange it, draw masks, look at results.

PyTorch and MONAI take seconds to import, so that no module of this package imports them, or a
package that does, before its functions run: the page answers while the model is being loaded.
"""
