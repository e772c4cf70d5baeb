# shellcheck shell=bash
# settings             write the settings into manual pages and samples, from the programs' tables
/usr/bin/python3 -B scripts/checks/settings.py --write "$@"
