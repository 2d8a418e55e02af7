/* SPDX-License-Identifier: GPL-3.0-or-later
 * The context switch for aarch64 (AAPCS64): x19-x30 and the low halves of v8-v15 are callee-saved.
 * struct frame in context.c is the picture of what is stored here.
 */
#if defined(__aarch64__)
    .text
    .globl context_swap
    .hidden context_swap
    .type context_swap, %function
    .p2align 4
/* void context_swap(void **save x0, void *load x1) */
context_swap:
    .cfi_startproc
    sub sp, sp, #160
    .cfi_adjust_cfa_offset 160
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    .cfi_rel_offset x29, 80
    .cfi_rel_offset x30, 88
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    .cfi_adjust_cfa_offset -160
    .cfi_restore x29
    .cfi_restore x30
    /* ret keeps the return-address predictor in step with the calls; see switch_x86_64.S. */
    ret
    .cfi_endproc
    .size context_swap, . - context_swap

    .globl context_trampoline
    .hidden context_trampoline
    .type context_trampoline, %function
    .p2align 4
/* x19: entry, x20: its argument */
context_trampoline:
    .cfi_startproc
    .cfi_undefined x30
    hint #34 /* bti c */
    mov x0, x20
    blr x19
    brk #1
    .cfi_endproc
    .size context_trampoline, . - context_trampoline
#endif
    .section .note.GNU-stack, "", %progbits
