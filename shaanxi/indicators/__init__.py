"""Indicators of Shaanxi: each folder is a dimension of the scorecards, each file the indicators of one item."""
