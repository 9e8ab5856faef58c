"""Where to split a network: what its layers cost, what crosses behind them, and how long each way to run it takes."""
