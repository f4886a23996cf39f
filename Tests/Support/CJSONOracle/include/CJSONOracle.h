#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What simdjson's own DOM parser makes of a text, as a flat description that says everything about it:
//   n t f              null, true, false
//   i<decimal>;        a whole number, also one that only a uint64_t holds
//   d<16 hex digits>;  the bits of a double
//   s<length>:<bytes>  a string
//   [ ... ] { ... }    elements; names (as strings) and values
// Returns NULL if it refuses the text. To be freed by the caller.
char *adj_oracle_describe(const uint8_t *text, size_t length, size_t *description_length);

#ifdef __cplusplus
}
#endif
