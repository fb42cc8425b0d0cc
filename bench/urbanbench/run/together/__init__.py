"""Together: a run whose trainings several processes share. `lead` is the first one, which does everything; the others `follow`; `launch` starts them."""
