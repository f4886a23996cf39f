#pragma once
#include <stddef.h>

// The far end of TLS tests over libssl: blocking sockets, and a certificate made on the spot, so that no private key
// lies in the repository and none expires.

typedef struct adj_tls_server adj_tls_server;
typedef struct adj_tls_session adj_tls_session;

// A server whose certificate, signed by itself, is for `names` (as OpenSSL writes them: "DNS:localhost,IP:127.0.0.1").
// `protocols` is what it speaks (ALPN), best first, each with its length in one byte before it. NULL if OpenSSL fails.
adj_tls_server *adj_tls_server_create(const char *names, const unsigned char *protocols, size_t protocols_length);
void adj_tls_server_destroy(adj_tls_server *server);

// The certificate as PEM, owned by the server.
const char *adj_tls_server_certificate(const adj_tls_server *server);

// Does the handshake on a connected socket, which stays the caller's. NULL if it fails. The server must live on until
// the handshake is done. Destroying sends the end of the stream (close_notify).
adj_tls_session *adj_tls_accept(adj_tls_server *server, int descriptor);
void adj_tls_session_destroy(adj_tls_session *session);

// The protocol that was agreed on by ALPN; not terminated. NULL if the client offered none of ours.
const unsigned char *adj_tls_protocol(const adj_tls_session *session, size_t *length);

// How many bytes were read or written, at least one; 0 or less at the end or on failure.
int adj_tls_read(adj_tls_session *session, void *bytes, int length);
int adj_tls_write(adj_tls_session *session, const void *bytes, int length);
