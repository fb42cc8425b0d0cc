"""Cities from their publishers: recipes say which files, from where and under which licence, and how `build` makes a city of them."""
