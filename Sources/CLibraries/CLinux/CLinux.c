#define _GNU_SOURCE
#include "CLinux.h"
#include <sys/socket.h>

int adj_accept(int listener, void *address, unsigned int *length) {
  return accept4(listener, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int adj_stream_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

int adj_socket(int family, int type, int protocol) { return socket(family, type | SOCK_CLOEXEC, protocol); }
