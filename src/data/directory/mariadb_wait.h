#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/error.h"
#include "base/time.h"

struct st_mysql;

/* WAITS for what a _start or _cont asked for (MYSQL_WAIT_*); *waiting becomes what its next _cont
 * is to be told. ERROR_TIMEOUT or ERROR_CANCELLED: the call is still under way, the connection must
 * be closed. */
error mariadb_wait(struct st_mysql *mysql, int *waiting, instant deadline);
