"""Xinqiao (信桥): the engine of a provincial node in the SME financing credit network.

The engine knows no province: what a province may change lives in a content package named by
``XINQIAO_CONTENT`` (``shaanxi`` is the first).
"""

__version__ = "0.1.0"
