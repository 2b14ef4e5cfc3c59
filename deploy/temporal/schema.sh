#!/bin/sh
# Creates Temporal's two databases and brings their schemas up to date; runs before each start of the server and does
# nothing the second time. Where, as whom and with which plugin: SQL_HOST, SQL_PORT, SQL_USER, SQL_PASSWORD, SQL_PLUGIN.
set -eu

prepare() {
	SQL_DATABASE="$1" temporal-sql-tool create-database # if it is not there
	SQL_DATABASE="$1" temporal-sql-tool setup-schema --version 0.0
	SQL_DATABASE="$1" temporal-sql-tool update-schema --schema-name "postgresql/v12/$2"
}

prepare "$DBNAME" temporal
prepare "$VISIBILITY_DBNAME" visibility
