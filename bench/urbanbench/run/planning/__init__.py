"""Planning: what cells will take, before and while they run.

`costs` learns from earlier rows, and is the only law; `forecast` tells the time left of a run, `state` looks what is finished and cached,
`groups` what is left by vectors that cells share, `jobs` cuts that into work for nodes, `simulate` plays it, `bounds` says what no
number of nodes can beat, `outlook` is the whole plan.
"""
