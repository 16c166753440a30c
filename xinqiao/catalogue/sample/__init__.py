"""A sample province: delivery files of every item, drawn from the declarations of the catalogue.

Pure: numpy and pyarrow only. The firms live in ``sample.toml`` of the content (archetypes, industries, cities,
words); an item says in its ``[sample]`` table which firms have rows and when, and each field in its ``sample``
table how to draw its value. A field without one is not delivered. Everything is invented: codes come from blocks
of GB 32100 that no authority has issued, so a generated penalty cannot meet a real enterprise.

Item, ``[sample]``
    ``rows``           ``once`` (the day is the registration), ``several`` (``count = [1, 4]`` a firm), ``monthly``
                       (every month of the window), ``yearly`` (``on = "04-15"``, the last ``years``), or ``events``
                       (Poisson, ``per_year``, ``at_most`` a firm).
    ``has``            share of firms that have the item at all; default 1.
    ``classes``        entity classes that have it (``["91"]``); default all.
    ``gap``            share of monthly rows that were never delivered.
    ``window_months``  how far back monthly and event rows reach; default the model's months.
    ``after``          ``distress`` or ``default``: a firm that has such a day has events only after it and
                       ``delay_months = [a, b]``.
    ``until``          ``distress``: a firm that has such a day has no events after it.
    ``delivery``       ``format`` csv, csv.gz or xlsx; ``encoding`` utf-8 or gb18030; ``split`` none or year.

A share or rate is one number, or a table by archetype with ``default``.

Field, ``sample = { from = … }``
    ``firm.NAME``      a text of the firm: uscc, name, entity_type, legal_person, capital, scope, province, city,
                       address, industry, status, division, account_no; of its past: registration_no, former_name,
                       former_code, converted_from, former_division.
    ``date``           the row's day or month, moved by ``offset_days = [a, b]``; blank when that passes the end of
                       the sample, unless ``future``; ``if_paid = FIELD``: blank while nothing was paid there.
    ``curve``          ``curve`` sales (yuan), persons or kwh of the row's month, ``times``, with relative ``noise``.
    ``paid``           what was paid of the money field ``of``: in full, in part or not, by archetype and distress.
    ``difference``     the first money field of ``of`` less the second.
    ``number``         log-normal around ``median`` with ``spread``, rounded to ``step``.
    ``part``           this row's part of the firm's ``capital``, ``paid_in`` capital or ``hundred`` per cent.
    ``pick``           one of ``values`` by weight; ``distressed``: other weights once the firm is in distress.
    ``code``           a unified code of its own for each row, as a branch has.
    ``words``          one of that list of words in ``sample.toml``.
    ``template``       text with {city} {district} {firm} {year} {n} {ordinal} {surname} {bureau}; {n} counts the
                       item's rows.

    Any field: ``header`` (column heading, default the field's name), ``fill`` (share not blank), ``spelled`` (dates:
    iso, slash, compact, chinese), ``thousands`` (share of money written with separators).

Besides the deliveries there are ``manifest.json`` and ``outcomes.csv`` (archetype and day of default, for
calibration; never ingested). ``demo_firms`` of ``sample.toml`` come first in every sample, the same for every
seed and free of dirt, so that demonstration accounts can name them. The same seed, day and number
of firms give the same bytes.
"""

from xinqiao.catalogue.sample.generate import generate
from xinqiao.catalogue.sample.types import DemoFirm, File, Manifest

__all__ = ["DemoFirm", "File", "Manifest", "generate"]
