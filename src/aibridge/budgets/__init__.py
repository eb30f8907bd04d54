"""How much may be spent, and what models cost: limits and custom prices, in micro-dollars."""
