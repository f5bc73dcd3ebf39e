"""Where market data come from: folders of files, qlib's binary format, Tushare Pro.

A source turns what it reads into rows with the raw tables' columns and hands them to
``warehouse.load``. Add a module per source; keep checks and versions out, they are the
loader's.
"""
