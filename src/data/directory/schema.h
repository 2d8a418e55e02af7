#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tables of a directory made by us: the well-known ISP schema, with a message quota beside the
 * byte quota. Databases made by others may lack quota, quota_messages and home.
 */

/* Statements to be run one by one; each ends with NULL. Running them again changes nothing. */
extern const char *const directory_schema_sqlite[];
extern const char *const directory_schema_mariadb[];
