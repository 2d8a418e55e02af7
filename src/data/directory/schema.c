/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/directory/schema.h"

#include <stddef.h>

/* AUTOINCREMENT: the id of a removed account is never given to another. */
const char *const directory_schema_sqlite[] = {
    "CREATE TABLE IF NOT EXISTS virtual_domains ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL COLLATE NOCASE UNIQUE)",
    "CREATE TABLE IF NOT EXISTS virtual_users ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " domain_id INTEGER NOT NULL REFERENCES virtual_domains(id) ON DELETE CASCADE,"
    " email TEXT NOT NULL COLLATE NOCASE UNIQUE,"
    " password TEXT NOT NULL,"
    " quota INTEGER NOT NULL DEFAULT 0,"
    " quota_messages INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE IF NOT EXISTS virtual_aliases ("
    " id INTEGER PRIMARY KEY,"
    " domain_id INTEGER NOT NULL REFERENCES virtual_domains(id) ON DELETE CASCADE,"
    " source TEXT NOT NULL COLLATE NOCASE,"
    " destination TEXT NOT NULL,"
    " UNIQUE (source, destination))",
    "CREATE TABLE IF NOT EXISTS virtual_dkim ("
    " id INTEGER PRIMARY KEY,"
    " domain TEXT NOT NULL COLLATE NOCASE,"
    " selector TEXT NOT NULL COLLATE NOCASE,"
    " private_key TEXT NOT NULL,"
    " UNIQUE (domain, selector))",
    "CREATE TABLE IF NOT EXISTS virtual_senders ("
    " id INTEGER PRIMARY KEY,"
    " login TEXT NOT NULL COLLATE NOCASE,"
    " sender TEXT NOT NULL COLLATE NOCASE,"
    " UNIQUE (login, sender))",
    "CREATE INDEX IF NOT EXISTS virtual_users_domain ON virtual_users (domain_id)",
    "CREATE INDEX IF NOT EXISTS virtual_aliases_domain ON virtual_aliases (domain_id)",
    NULL,
};

const char *const directory_schema_mariadb[] = {
    "CREATE TABLE IF NOT EXISTS virtual_domains ("
    " id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,"
    " name VARCHAR(255) CHARACTER SET utf8mb4 NOT NULL,"
    " UNIQUE KEY name (name)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
    "CREATE TABLE IF NOT EXISTS virtual_users ("
    " id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,"
    " domain_id INT NOT NULL,"
    " email VARCHAR(320) NOT NULL,"
    " password VARCHAR(1024) NOT NULL,"
    " quota BIGINT NOT NULL DEFAULT 0,"
    " quota_messages BIGINT NOT NULL DEFAULT 0,"
    " UNIQUE KEY email (email),"
    " FOREIGN KEY (domain_id) REFERENCES virtual_domains (id) ON DELETE CASCADE)"
    " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
    "CREATE TABLE IF NOT EXISTS virtual_aliases ("
    " id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,"
    " domain_id INT NOT NULL,"
    " source VARCHAR(320) NOT NULL,"
    " destination VARCHAR(320) NOT NULL,"
    " KEY source (source),"
    " FOREIGN KEY (domain_id) REFERENCES virtual_domains (id) ON DELETE CASCADE)"
    " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
    "CREATE TABLE IF NOT EXISTS virtual_dkim ("
    " id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,"
    " domain VARCHAR(255) NOT NULL,"
    " selector VARCHAR(63) NOT NULL,"
    " private_key TEXT NOT NULL,"
    " UNIQUE KEY domain_selector (domain, selector))"
    " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
    "CREATE TABLE IF NOT EXISTS virtual_senders ("
    " id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,"
    " login VARCHAR(320) NOT NULL,"
    " sender VARCHAR(320) NOT NULL,"
    " KEY login (login)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
    NULL,
};
