"""Open Signal: a newsletter published from a Git repository.

Four verbs make the whole of it, each the folder of its name or near it:

    ingest   feeds -> inbox cards             `ingest/`
    build    content -> site and feeds        `library/`, `site/`, and `theme/` beside this package
    serve    forms -> subscribers             `web/`, `mail/lifecycle.py`
    send     articles -> issues -> letters    `mail/`

Below them stand `library/` (content/ as data) and `store/` (the database), and below those `model.py` (the nouns), `config.py`
(settings) and `errors.py` (what can go wrong). Imports go down this list only; `pyproject.toml` holds the rule and `make check`
keeps it. Start reading at `cli.py`: each command there is one line into one stage.
"""

__version__ = "0.1.0"
