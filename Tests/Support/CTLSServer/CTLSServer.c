#include "CTLSServer.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct adj_tls_server {
  SSL_CTX *context;
  char *certificate;
  unsigned char *protocols;
  size_t protocols_length;
};

struct adj_tls_session {
  SSL *ssl;
};

static int add_extension(X509 *certificate, int kind, const char *value) {
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
  int added = extension != NULL && X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return added;
}

// A certificate of its own authority, valid for a day around now.
static X509 *make_certificate(EVP_PKEY *key, const char *names) {
  X509 *certificate = X509_new();
  if (certificate == NULL) return NULL;
  X509_NAME *subject = X509_get_subject_name(certificate);
  if (X509_set_version(certificate, X509_VERSION_3)
      && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1)
      && X509_gmtime_adj(X509_getm_notBefore(certificate), -43200) != NULL
      && X509_gmtime_adj(X509_getm_notAfter(certificate), 43200) != NULL
      && X509_set_pubkey(certificate, key)
      && X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"Adjutant tests", -1, -1, 0)
      && X509_set_issuer_name(certificate, subject)
      && add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE")
      && add_extension(certificate, NID_subject_alt_name, names)
      && X509_sign(certificate, key, EVP_sha256()) > 0)
    return certificate;
  X509_free(certificate);
  return NULL;
}

static char *pem(X509 *certificate) {
  BIO *memory = BIO_new(BIO_s_mem());
  char *text = NULL;
  if (memory != NULL && PEM_write_bio_X509(memory, certificate)) {
    char *bytes = NULL;
    long length = BIO_get_mem_data(memory, &bytes);
    text = strndup(bytes, (size_t)length);
  }
  BIO_free(memory);
  return text;
}

static int choose_protocol(
  SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length, const unsigned char *offered,
  unsigned int offered_length, void *context) {
  (void)ssl;
  const adj_tls_server *server = context;
  unsigned char *result = NULL;
  if (SSL_select_next_proto(
        &result, chosen_length, server->protocols, (unsigned int)server->protocols_length, offered, offered_length)
      != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *chosen = result;
  return SSL_TLSEXT_ERR_OK;
}

adj_tls_server *adj_tls_server_create(const char *names, const unsigned char *protocols, size_t protocols_length) {
  adj_tls_server *server = calloc(1, sizeof *server);
  if (server == NULL) return NULL;
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = key != NULL ? make_certificate(key, names) : NULL;
  server->context = SSL_CTX_new(TLS_server_method());
  server->protocols = malloc(protocols_length + 1);
  int done = 0;
  if (certificate != NULL && server->context != NULL && server->protocols != NULL) {
    memcpy(server->protocols, protocols, protocols_length);
    server->protocols_length = protocols_length;
    server->certificate = pem(certificate);
    SSL_CTX_set_alpn_select_cb(server->context, choose_protocol, server);
    done = server->certificate != NULL && SSL_CTX_use_certificate(server->context, certificate) == 1
           && SSL_CTX_use_PrivateKey(server->context, key) == 1;
  }
  X509_free(certificate);
  EVP_PKEY_free(key);
  if (done) return server;
  adj_tls_server_destroy(server);
  return NULL;
}

void adj_tls_server_destroy(adj_tls_server *server) {
  SSL_CTX_free(server->context);
  free(server->certificate);
  free(server->protocols);
  free(server);
}

const char *adj_tls_server_certificate(const adj_tls_server *server) { return server->certificate; }

adj_tls_session *adj_tls_accept(adj_tls_server *server, int descriptor) {
  adj_tls_session *session = calloc(1, sizeof *session);
  if (session == NULL) return NULL;
  session->ssl = SSL_new(server->context);
  if (session->ssl != NULL && SSL_set_fd(session->ssl, descriptor) == 1 && SSL_accept(session->ssl) == 1)
    return session;
  SSL_free(session->ssl);
  free(session);
  return NULL;
}

void adj_tls_session_destroy(adj_tls_session *session) {
  SSL_shutdown(session->ssl);
  SSL_free(session->ssl);
  free(session);
}

const unsigned char *adj_tls_protocol(const adj_tls_session *session, size_t *length) {
  const unsigned char *protocol = NULL;
  unsigned int count = 0;
  SSL_get0_alpn_selected(session->ssl, &protocol, &count);
  *length = count;
  return protocol;
}

int adj_tls_read(adj_tls_session *session, void *bytes, int length) { return SSL_read(session->ssl, bytes, length); }

int adj_tls_write(adj_tls_session *session, const void *bytes, int length) {
  return SSL_write(session->ssl, bytes, length);
}
