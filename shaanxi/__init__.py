"""Shaanxi (陕西): the content of the first provincial node. Data and declarations; no engine code."""
