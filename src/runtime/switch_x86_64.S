/* SPDX-License-Identifier: GPL-3.0-or-later
 * The context switch for x86-64 (System V ABI); see context.h. struct frame in context.c is the
 * picture of what is pushed here.
 */
#if defined(__x86_64__)
    .text
    .globl context_swap
    .hidden context_swap
    .type context_swap, @function
    .p2align 4
/* void context_swap(void **save rdi, void *load rsi) */
context_swap:
    .cfi_startproc
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
    /* ret keeps the return-address predictor in step with the calls: fibers that wait in the same
       place, as most do, find all their returns predicted. A jmp would leave one entry too many and
       every return after it wrong. */
    ret
    .cfi_endproc
    .size context_swap, . - context_swap

    .globl context_trampoline
    .hidden context_trampoline
    .type context_trampoline, @function
    .p2align 4
/* r12: entry, r13: its argument */
context_trampoline:
    .cfi_startproc
    .cfi_undefined %rip
    endbr64
    movq %r13, %rdi
    callq *%r12
    ud2
    .cfi_endproc
    .size context_trampoline, . - context_trampoline
#endif
    .section .note.GNU-stack, "", %progbits
