"""Open Signal: a newsletter published from a Git repository.

Four verbs make the whole of it, each the folder of its name or near it:

    ingest   feeds -> inbox cards             `ingest/`
    build    content -> site and feeds        `library/`, `site/`
    serve    forms -> subscribers             `web/`, `mail/lifecycle.py`
    send     articles -> issues -> letters    `mail/`

What comes back of the letters changes who is written to: `mail/bounces/` reads it, `web/hooks/` hears of it from mail providers.

Above the four stand `cli/` (the commands) with `terminal.py` (what they print), `jobs/` (what happens by itself), `publish/`
(the built site to where readers find it), `moving/` (the archive of another service -> articles and subscribers) and `demo/`
(the whole path on one machine). Below them stand `library/` (content/ as data), `store/` (the database) and `theme.py` (the
style sheet and its tokens), and below those `keys.py` (secrets), `sandbox.py` (the child process that reads what strangers
send), `bucket.py` (storage that speaks S3), `config.py` (settings), `model.py` (the nouns) and `errors.py` (what can go
wrong). `templates/` holds the letters and the mailing pages; the site's templates are in `theme/` beside this package. Imports
go down this list only: `pyproject.toml` holds the rule and `make check` keeps it. Start reading at `cli/`: each command there
runs one stage.
"""

__version__ = "0.1.0"
