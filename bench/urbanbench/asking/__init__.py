"""Questions of retrieval, made out of a city folder: what is asked, what is chosen from, what may be learned from, and what nobody may be told."""
