"""HTTP, by noun: parse, call one service function, shape the answer."""
