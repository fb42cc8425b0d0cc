class OvertureFolder:
    part = "overture"
