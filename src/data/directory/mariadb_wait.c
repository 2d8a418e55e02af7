/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/directory/mariadb_wait.h"

#include "runtime/ring.h"

#include <mariadb/mysql.h>
#include <poll.h>

error mariadb_wait(struct st_mysql *mysql, int *waiting, instant deadline)
{
    int wanted = *waiting;
    short events = (short)((wanted & MYSQL_WAIT_READ ? POLLIN : 0) |
                           (wanted & MYSQL_WAIT_WRITE ? POLLOUT : 0) |
                           (wanted & MYSQL_WAIT_EXCEPT ? POLLPRI : 0));
    instant until = deadline;
    if (wanted & MYSQL_WAIT_TIMEOUT) {
        instant own = time_after(mysql_get_timeout_value_ms(mysql) * TIME_MS);
        until = own < deadline ? own : deadline;
    }
    short happened = 0;
    error result = ring_poll((int)mysql_get_socket(mysql), events, until, &happened);
    if (result.kind == ERROR_TIMEOUT && until < deadline) {
        *waiting = MYSQL_WAIT_TIMEOUT;
        return OK;
    }
    TRY(result);
    bool broken = happened & (POLLERR | POLLHUP | POLLNVAL);
    *waiting = (happened & POLLIN || broken ? wanted & MYSQL_WAIT_READ : 0) |
               (happened & POLLOUT || broken ? wanted & MYSQL_WAIT_WRITE : 0) |
               (happened & POLLPRI ? wanted & MYSQL_WAIT_EXCEPT : 0);
    return OK;
}
