#pragma once
#include <curl/curl.h>

// Swift cannot call C variadics: one typed door for each kind of argument that libcurl takes.

static inline CURLcode adj_curl_setopt_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode adj_curl_setopt_offset(CURL *handle, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode adj_curl_setopt_string(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode adj_curl_setopt_pointer(CURL *handle, CURLoption option, void *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode adj_curl_setopt_list(CURL *handle, CURLoption option, struct curl_slist *value) {
  return curl_easy_setopt(handle, option, value);
}
typedef size_t (*adj_curl_data_callback)(char *bytes, size_t size, size_t count, void *context);
static inline CURLcode adj_curl_setopt_data_callback(CURL *handle, CURLoption option, adj_curl_data_callback value) {
  return curl_easy_setopt(handle, option, value);
}
typedef curl_socket_t (*adj_curl_open_socket_callback)(void *context, curlsocktype purpose, struct curl_sockaddr *address);
static inline CURLcode adj_curl_setopt_open_socket_callback(CURL *handle, adj_curl_open_socket_callback value) {
  return curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, value);
}
static inline CURLcode adj_curl_getinfo_socket(CURL *handle, curl_socket_t *value) {
  return curl_easy_getinfo(handle, CURLINFO_ACTIVESOCKET, value);
}
static inline CURLMcode adj_curl_multi_setopt_long(CURLM *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}
typedef int (*adj_curl_prereq_callback)(void *context, char *peer, char *local, int peer_port, int local_port);
static inline CURLcode adj_curl_setopt_prereq_callback(CURL *handle, adj_curl_prereq_callback value) {
  return curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, value);
}
static inline CURLMcode adj_curl_multi_setopt_pointer(CURLM *multi, CURLMoption option, void *value) {
  return curl_multi_setopt(multi, option, value);
}
typedef int (*adj_curl_socket_callback)(CURL *handle, curl_socket_t socket, int what, void *context, void *socket_context);
static inline CURLMcode adj_curl_multi_setopt_socket_callback(CURLM *multi, adj_curl_socket_callback value) {
  return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, value);
}
typedef int (*adj_curl_timer_callback)(CURLM *multi, long milliseconds, void *context);
static inline CURLMcode adj_curl_multi_setopt_timer_callback(CURLM *multi, adj_curl_timer_callback value) {
  return curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, value);
}
