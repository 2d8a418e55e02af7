/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load/report.h"

#include <stdlib.h>

/* The page, which draws itself from the JSON put in its place. */
__asm__(".section .rodata\n"
        "load_report_page: .incbin \"bench/load/report.html\"\n"
        "load_report_page_end: .byte 0\n"
        ".previous\n");
extern const char load_report_page[], load_report_page_end[];

void load_report_html(const struct load_result *result, FILE *out)
{
    const slice mark = SLICE("@DATA@");
    slice page = slice_of(load_report_page, (size_t)(load_report_page_end - load_report_page));
    ptrdiff_t at = slice_find(page, mark);
    char *json = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&json, &size);
    if (!memory)
        return;
    load_report_json(result, memory);
    fclose(memory);
    fwrite(page.data, 1, (size_t)at, out);
    for (size_t i = 0; i < size; i++) /* "</script>" in a server's reply must not end the data */
        if (json[i] == '<')
            fputs("\\u003c", out);
        else
            fputc(json[i], out);
    slice rest = slice_from(page, (size_t)at + mark.size);
    fwrite(rest.data, 1, rest.size, out);
    free(json);
}
