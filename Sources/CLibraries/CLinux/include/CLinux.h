#pragma once
// Linux headers that Swift's Glibc module leaves out.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/signalfd.h>
#include <sys/prctl.h>
#include <malloc.h>

// Names the calling thread as the kernel and debuggers show it (at most 15 bytes are kept).
static inline void adj_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

// accept4(2), which glibc declares for GNU sources only: the new socket does not block and is closed on exec.
// `address` holds a struct sockaddr of *length bytes. (No <sys/socket.h> here: it belongs to Swift's Glibc module.)
int adj_accept(int listener, void *address, unsigned int *length);

// socket(2): a TCP socket that does not block; a socket of any type. Both are closed on exec. (Which Swift module owns
// the SOCK_ constants depends on the order in which modules are loaded: curl's headers include them too.)
int adj_stream_socket(int family);
int adj_socket(int family, int type, int protocol);

// What mallinfo2(3) says of the allocator, whose structure and function Swift cannot tell apart: bytes that the program
// has allocated from the heaps, bytes that the heaps hold, and bytes of large blocks that are mapped one by one. Takes
// each heap's lock for a moment.
struct adj_heap_figures {
  size_t used, total, mapped;
};
static inline struct adj_heap_figures adj_heap(void) {
  struct mallinfo2 info = mallinfo2();
  return (struct adj_heap_figures){info.uordblks, info.arena, info.hblkhd};
}
