/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Preloaded into the server by bench/account/run: counts what it asks of the C library's memory
 * functions. Calls that the compiler turned into moves of its own (small, of a size known to it)
 * are not seen. The counters lie in the file named by RINGMAIL_ACCOUNT, where the script reads
 * them.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { COPIES, COPIED_BYTES, ALLOCATIONS, ALLOCATED_BYTES, COUNTERS };

static _Atomic uint64_t unseen[COUNTERS];
static _Atomic uint64_t *counters = unseen;

static void count(int what, size_t bytes)
{
    atomic_fetch_add_explicit(&counters[what], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&counters[what + 1], bytes, memory_order_relaxed);
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("RINGMAIL_ACCOUNT");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0 || ftruncate(fd, sizeof unseen) != 0)
        return;
    void *file = mmap(NULL, sizeof unseen, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (file != MAP_FAILED)
        counters = file;
    close(fd);
}

/* Byte by byte would be slow, the library's own name would be this function: moves by the
 * processor. */
static void move_forward(void *to, const void *from, size_t size)
{
#ifdef __x86_64__
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
#else
    volatile char *t = to;
    const char *f = from;
    while (size--)
        *t++ = *f++;
#endif
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    count(COPIES, size);
    move_forward(to, from, size);
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    count(COPIES, size);
    if ((uintptr_t)to - (uintptr_t)from >= size) {
        move_forward(to, from, size);
        return to;
    }
    volatile char *t = to;
    const char *f = from;
    while (size--)
        t[size] = f[size];
    return to;
}

/* The allocator behind this library in the order of loading. While it is looked for, dlsym may
 * allocate: that little comes from here and is never given back. */
static void *early(size_t size)
{
    static _Alignas(64) char memory[64 << 10];
    static atomic_size_t used;
    size_t at = atomic_fetch_add(&used, (size + 63) & ~(size_t)63);
    return at + size <= sizeof memory ? memory + at : NULL;
}

static void *next(const char *name)
{
    static _Thread_local int looking;
    if (looking)
        return NULL;
    looking = 1;
    void *found = dlsym(RTLD_NEXT, name);
    looking = 0;
    return found;
}

void *malloc(size_t size)
{
    static void *(*real)(size_t);
    if (!real && !(real = (void *(*)(size_t))next("malloc")))
        return early(size);
    count(ALLOCATIONS, size);
    return real(size);
}

void *calloc(size_t number, size_t size)
{
    static void *(*real)(size_t, size_t);
    if (!real && !(real = (void *(*)(size_t, size_t))next("calloc")))
        return early(number * size);
    count(ALLOCATIONS, number * size);
    return real(number, size);
}

void *realloc(void *memory, size_t size)
{
    static void *(*real)(void *, size_t);
    if (!real && !(real = (void *(*)(void *, size_t))next("realloc")))
        return NULL;
    count(ALLOCATIONS, size);
    return real(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    static void *(*real)(size_t, size_t);
    if (!real && !(real = (void *(*)(size_t, size_t))next("aligned_alloc")))
        return NULL;
    count(ALLOCATIONS, size);
    return real(alignment, size);
}
