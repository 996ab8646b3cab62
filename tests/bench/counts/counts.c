// Loaded into a server by LD_PRELOAD: counts what it asks of the C library, and writes the sums to the file that
// COUNTS_FILE names when the process ends. Copies of a length that the compiler knows are not seen.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_ullong calls, allocations, allocated, copied;

#define COUNT(what, n) atomic_fetch_add_explicit(&what, (n), memory_order_relaxed)
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);

void *malloc(size_t n) { COUNT(allocations, 1), COUNT(allocated, n); return __libc_malloc(n); }
void *calloc(size_t n, size_t size) { COUNT(allocations, 1), COUNT(allocated, n * size); return __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { COUNT(allocations, 1), COUNT(allocated, n); return __libc_realloc(p, n); }

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  COUNT(copied, n);
  void *out = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
  return out;
}
void *memmove(void *to, const void *from, size_t n) {
  COUNT(copied, n);
  void *out = to;
  if ((size_t)((char *)to - (const char *)from) >= n) {
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
  } else {
    char *t = (char *)to + n - 1;
    const char *f = (const char *)from + n - 1;
    __asm__ volatile("std; rep movsb; cld" : "+D"(t), "+S"(f), "+c"(n) : : "memory");
  }
  return out;
}

#define CALL(type, name, parameters, arguments)   \
  type name parameters {                          \
    static type(*next) parameters;                \
    if (!next) next = NEXT(name);                 \
    COUNT(calls, 1);                              \
    return next arguments;                        \
  }
CALL(ssize_t, send, (int fd, const void *b, size_t n, int f), (fd, b, n, f))
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *m, int f), (fd, m, f))
CALL(ssize_t, recv, (int fd, void *b, size_t n, int f), (fd, b, n, f))
CALL(ssize_t, read, (int fd, void *b, size_t n), (fd, b, n))
CALL(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n))
CALL(ssize_t, readv, (int fd, const struct iovec *v, int n), (fd, v, n))
CALL(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
CALL(int, epoll_wait, (int fd, struct epoll_event *e, int n, int t), (fd, e, n, t))
CALL(int, epoll_pwait2, (int fd, struct epoll_event *e, int n, const struct timespec *t, const sigset_t *s), (fd, e, n, t, s))
CALL(int, epoll_ctl, (int fd, int op, int of, struct epoll_event *e), (fd, op, of, e))

__attribute__((destructor)) static void report(void) {
  const char *path = getenv("COUNTS_FILE");
  FILE *out = path ? fopen(path, "w") : NULL;
  if (!out) return;
  fprintf(out, "{\"calls\":%llu,\"allocations\":%llu,\"allocated\":%llu,\"copied\":%llu}\n", (unsigned long long)calls,
      (unsigned long long)allocations, (unsigned long long)allocated, (unsigned long long)copied);
  fclose(out);
}
