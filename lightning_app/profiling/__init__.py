"""Where to split a network: costs of layers, sizes of the features behind them, and the time of each way to run it."""
