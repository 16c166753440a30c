"""Public credit (公共信用): penalties and lists."""
