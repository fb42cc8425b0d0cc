"""Spatial graphs of cities: what lies where and how it hangs together, around street views, as data for models that read graphs and texts."""
