"""The registry: models, tasks and cities by name, path or group word."""

from __future__ import annotations

from urbanbench.registry.choosing import (
    GROUPS,
    broken,
    expand,
    expand_heads,
    expand_splits,
    expand_words,
)
from urbanbench.registry.cities import (
    build_city,
    city_folder,
    city_names,
    city_path,
    city_word,
    city_word_of,
    cut_cities,
    expand_cities,
    folder_there,
    is_source_file,
    known_folders,
    make_source,
    open_city,
    open_source,
    source_path,
)
from urbanbench.registry.faces import (
    Face,
    entries,
    environment_facts,
    environment_of,
    face_of,
    file_of,
    sound,
)
from urbanbench.registry.kinds import VECTOR_FILES, Entry, is_path
from urbanbench.registry.label_tasks import expand_labels, is_label, label_tasks, load_task, task_of_label
from urbanbench.registry.naming import plain_name
from urbanbench.registry.plugins import is_foreign, listing, load_model, names, source_file
from urbanbench.registry.schemes import has_scheme

__all__ = [
    "GROUPS",
    "VECTOR_FILES",
    "Entry",
    "Face",
    "broken",
    "build_city",
    "city_folder",
    "city_names",
    "city_path",
    "city_word",
    "city_word_of",
    "cut_cities",
    "entries",
    "environment_facts",
    "environment_of",
    "expand",
    "expand_cities",
    "expand_heads",
    "expand_labels",
    "expand_splits",
    "expand_words",
    "face_of",
    "file_of",
    "folder_there",
    "has_scheme",
    "is_foreign",
    "is_label",
    "is_path",
    "is_source_file",
    "known_folders",
    "label_tasks",
    "listing",
    "load_model",
    "load_task",
    "make_source",
    "names",
    "open_city",
    "open_source",
    "plain_name",
    "sound",
    "source_file",
    "source_path",
    "task_of_label",
]
