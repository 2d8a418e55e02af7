/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The live page, as bytes of the program.
 */
    .section .rodata
    .globl admin_page_start, admin_page_end
admin_page_start:
    .incbin "src/service/admin/page.html"
admin_page_end:
    .section .note.GNU-stack, "", %progbits
