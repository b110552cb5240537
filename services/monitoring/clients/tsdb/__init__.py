"""An embedded store of time series: compressed columns, a log, blocks of two hours."""
