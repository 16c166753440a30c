"""The published figures: one module each, measured beside a floor or a rival in the same run.

``python -m benchmarks`` lists them, ``python -m benchmarks NAME [--scale S]`` measures one.
"""
