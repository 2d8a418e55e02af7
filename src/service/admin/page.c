/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/admin/exchange.h"

/* page.html, by page_html.S */
extern const char admin_page_start[], admin_page_end[];

error admin_page(struct admin_exchange *exchange)
{
    exchange->content_type = "text/html; charset=utf-8";
    buffer_add(exchange->answer,
               slice_of(admin_page_start, (size_t)(admin_page_end - admin_page_start)));
    return OK;
}
